-- True if a mailbox may send mail at this moment. The planner puts its body in place of the call.
CREATE OR REPLACE FUNCTION mail_map.sends(active boolean, sends boolean, expires_at timestamptz, stopped_at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT active AND sends AND (expires_at IS NULL OR expires_at > now()) AND stopped_at IS NULL
$$;
