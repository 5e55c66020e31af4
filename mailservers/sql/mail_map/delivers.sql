-- True if an alias delivers at this moment. The planner puts its body in place of the call.
CREATE OR REPLACE FUNCTION mail_map.delivers(active boolean, starts_at timestamptz, ends_at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT active AND (starts_at IS NULL OR starts_at <= now()) AND (ends_at IS NULL OR ends_at > now())
$$;
