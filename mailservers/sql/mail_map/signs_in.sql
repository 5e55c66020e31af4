-- True if the owner of a mailbox may sign in at this moment. The planner puts its body in place of the call.
CREATE OR REPLACE FUNCTION mail_map.signs_in(active boolean, expires_at timestamptz, stopped_at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT active AND (expires_at IS NULL OR expires_at > now()) AND stopped_at IS NULL
$$;
