-- True if a mailbox takes mail at this moment. The planner puts its body in place of the call.
CREATE OR REPLACE FUNCTION mail_map.receives(active boolean, receives boolean, expires_at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT active AND receives AND (expires_at IS NULL OR expires_at > now())
$$;
