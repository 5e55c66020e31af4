"""What the roles of the mail servers may do, as PostgreSQL sees it: a REVOKE that failed is only a warning."""

from django.db import connection
from django.utils.translation import gettext as _

from mailservers.mail_servers import MAIL_SERVERS, MailServer


def wrong_rights() -> list[str]:
    """Sentences about what the roles of the mail servers may do beyond, or short of, what is theirs."""
    return [sentence for server in MAIL_SERVERS for sentence in _wrong_rights_of(server)]


def _wrong_rights_of(server: MailServer) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s)", [server.role, server.owner])
        if cursor.fetchone()[0] < 2:
            return [
                _("The role %(role)s is missing. Run “script/manage install_functions”; it says what else is needed.")
                % {"role": server.role}
            ]
        cursor.execute(RIGHTS_QUERY, {"role": server.role, "schema": server.schema})
        found = {row[0] for row in cursor.fetchall()}
    due = set(_due(server))
    wrong = sorted(found - due) + sorted(right.replace("may", "may not", 1) for right in due - found)
    if not wrong:
        return []
    return [
        _("The role %(role)s has wrong rights: %(rights)s. Run “script/manage install_functions”.")
        % {"role": server.role, "rights": "; ".join(wrong)}
    ]


def _due(server: MailServer) -> list[str]:
    return [
        f"may {privilege} {server.schema}.{view.name}"
        for view in server.views
        for privilege in ("SELECT", *(("INSERT", "UPDATE") if view.table else ()))
    ]


RIGHTS_QUERY = """
    SELECT 'may ' || privilege || ' ' || relation.oid::regclass
    FROM pg_class AS relation
    JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace,
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS privilege
    WHERE relation.relkind IN ('r', 'v', 'm', 'p', 'f')
      AND schema.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND schema.nspname !~ '^pg_(toast_)?temp_'
      AND (has_table_privilege(%(role)s, relation.oid, privilege)
           OR (privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
               AND has_any_column_privilege(%(role)s, relation.oid, privilege)))
    UNION ALL
    SELECT 'may use sequence ' || relation.oid::regclass
    FROM pg_class AS relation
    WHERE CASE relation.relkind
        WHEN 'S' THEN has_sequence_privilege(%(role)s, relation.oid, 'USAGE, SELECT, UPDATE')
    END
    UNION ALL
    SELECT 'may create in schema ' || nspname
    FROM pg_namespace
    WHERE has_schema_privilege(%(role)s, oid, 'CREATE')
    UNION ALL
    SELECT 'may ' || privilege || ' in this database'
    FROM unnest(ARRAY['TEMPORARY', 'CREATE']) AS privilege
    WHERE has_database_privilege(%(role)s, current_database(), privilege)
    UNION ALL
    SELECT 'may call ' || function.oid::regprocedure
    FROM pg_proc AS function
    JOIN pg_namespace AS schema ON schema.oid = function.pronamespace
    WHERE schema.nspname NOT IN ('pg_catalog', 'information_schema', %(schema)s)
      AND function.prorettype <> 'trigger'::regtype
      AND has_schema_privilege(%(role)s, schema.oid, 'USAGE')
      AND has_function_privilege(%(role)s, function.oid, 'EXECUTE')
    UNION ALL
    SELECT 'may not call ' || function.oid::regprocedure
    FROM pg_proc AS function
    JOIN pg_namespace AS schema ON schema.oid = function.pronamespace
    WHERE schema.nspname = %(schema)s
      AND NOT (has_schema_privilege(%(role)s, schema.oid, 'USAGE')
               AND has_function_privilege(%(role)s, function.oid, 'EXECUTE'))
    UNION ALL
    SELECT 'has attributes of an administrator, or is a member of another role'
    FROM pg_roles AS role
    WHERE role.rolname = %(role)s
      AND (role.rolsuper OR role.rolcreaterole OR role.rolcreatedb OR role.rolreplication OR role.rolbypassrls
           OR EXISTS (SELECT FROM pg_auth_members WHERE member = role.oid))
"""
