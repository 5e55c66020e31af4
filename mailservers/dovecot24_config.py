"""dovecot.conf for Dovecot 2.4, which has another language for the same (doc.dovecot.org/2.4): one of its own, because
hardly a line is the same. It asks the same functions and writes through the same views as that for 2.3."""

from mailservers.dovecot_config import FOLDERS, FULL, DovecotHost, connection_parts, escaped_base, for_postfix

VERSION = "2.4.1"  # the first that Debian has; later ones read it as it was meant then
# What the functions say in the words of 2.3, in those of 2.4. No quota is 0 there.
MAIL = """\
    split_part({mail}, ':', 1) AS {prefix}mail_driver, \\
    CASE WHEN {mail} LIKE 'mbox:%%' THEN '~/mail' \\
        ELSE replace(substr({mail}, 9), '::', ':') END AS {prefix}mail_path, \\
    CASE WHEN {mail} LIKE 'mbox:%%' THEN replace(substr({mail}, 19), '::', ':') END AS {prefix}mail_inbox_path, \\
    {home} AS {prefix}home, \\
    CASE {rule} WHEN '*:bytes=0' THEN 'unlimited' ELSE substr({rule}, 9) || 'B' END AS {prefix}quota_storage_size \\
"""
OF_PASSDB = MAIL.format(mail="userdb_mail", home="userdb_home", rule="userdb_quota_rule", prefix="userdb_")
OF_USERDB = MAIL.format(mail="mail", home="home", rule="quota_rule", prefix="")


def files(host: DovecotHost) -> dict[str, str]:
    """File name -> text; sql.conf holds the password of the role."""
    return {"dovecot.conf": _dovecot_conf(host), "sql.conf": _sql_conf(host)}


def _sql_conf(host: DovecotHost) -> str:
    parts = connection_parts(host)
    server = parts.pop("host")
    parameters = "".join(f'    {name} = "{value}"\n' for name, value in parts.items())
    return f"""\
# The panel's database, which says who signs in and where mail is, and hears what is stored.
sql_driver = pgsql
pgsql {server} {{
  parameters {{
{parameters}  }}
}}
"""


def _dovecot_conf(host: DovecotHost) -> str:
    base = escaped_base(host)
    return f"""\
dovecot_config_version = {VERSION}
dovecot_storage_version = {VERSION}
# For Dovecot 2.4, written by mailadmin. What is particular to this host belongs into local.conf beside this file.

protocols = imap pop3 lmtp
ssl = required
ssl_server_cert_file = {host.certificate}
ssl_server_key_file = {host.key}
ssl_min_protocol = TLSv1.2

# The database decides who signs in, and to what: it is asked at every sign-in, so a change acts at once.
auth_allow_cleartext = no
auth_mechanisms = plain login
# Hashes of old schemes that came with a mailbox; the panel makes a new one at the owner's next sign-in there.
auth_allow_weak_schemes = yes
# A login is an address, and may hold whatever an address holds. Empty: every character; SQL gets them escaped.
auth_username_chars =
auth_username_format = %{{user | lower}}
!include {host.directory}/sql.conf
# An app password is found by an index; any other password goes on to the hash of the mailbox, which takes its time.
passdb app {{
  driver = sql
  sql_query = SELECT "user", password, allow_nets, \\
{OF_PASSDB}    FROM dovecot.app_password('%{{user}}', '%{{protocol}}', '%{{password | sha256 | hexlify}}', '{base}')
}}
# Verified by processes of their own (auth-worker), so that nobody waits for the hash of another.
passdb mailbox {{
  driver = sql
  use_worker = yes
  sql_query = SELECT "user", password, allow_nets, \\
{OF_PASSDB}    FROM dovecot.passdb('%{{user}}', '%{{protocol}}', '{base}')
}}
# What passdb said of the mailbox is enough for who signed in.
userdb prefetch {{
}}
userdb mailbox {{
  driver = sql
  sql_query = SELECT "user", tempfail, substr(sieve, 24) AS answer, \\
{OF_USERDB}    FROM dovecot.userdb('%{{user}}', '%{{protocol}}', '{base}')
  sql_iterate_query = SELECT * FROM dovecot.iterate()
}}

# The same files as virtual(8): maildir or mbox at the mail path. What else Dovecot keeps is below .dovecot/.
mail_driver = maildir
mail_path = ~/mail
mail_uid = {host.mail_uid}
mail_gid = {host.mail_gid}
first_valid_uid = {host.mail_uid}
first_valid_gid = {host.mail_gid}
# An address may hold the delimiter. The function finds the base of an extension, so Dovecot cuts off nothing.
recipient_delimiter =
{FOLDERS}
# Counted in the index of each mailbox; each change goes to the panel.
mail_plugins = quota quota_clone
quota Mailbox {{
  driver = count
}}
# Without it, what is larger than what is left would be taken up to 10 MB over the quota, and not be refused at RCPT.
quota_storage_grace = 0
quota_exceeded_message = Mailbox is full.
quota_clone {{
  dict proxy {{
    name = quota
  }}
}}
quota_status_success = DUNNO
quota_status_nouser = DUNNO
quota_status_overquota = {FULL}
last_login {{
  dict proxy {{
    name = sign-in
  }}
}}
last_login_key = last-login/%{{protocol}}/%{{remote_ip}}/%{{user}}
dict_server {{
  dict quota {{
    driver = sql
    dict_map priv/quota/storage {{
      sql_table = dovecot.quota
      username_field = username
      value_field bytes {{
        type = uint
      }}
    }}
    dict_map priv/quota/messages {{
      sql_table = dovecot.quota
      username_field = username
      value_field messages {{
        type = uint
      }}
    }}
  }}
  dict sign-in {{
    driver = sql
    # The login comes last: it may hold a slash.
    dict_map shared/last-login/$service/$remote_ip/$username {{
      sql_table = dovecot.last_sign_in
      value_field seconds {{
        type = uint
      }}
      key_field service {{
        value = $service
      }}
      key_field remote_ip {{
        value = $remote_ip
      }}
      key_field username {{
        value = $username
      }}
    }}
  }}
  dict sieve {{
    driver = sql
    # The name of a script is its number, and so is the number of its text.
    dict_map priv/sieve/name/$id {{
      sql_table = dovecot.sieve
      username_field = username
      value_field id {{
      }}
      key_field id {{
        value = $id
        type = uint
      }}
    }}
    dict_map priv/sieve/data/$id {{
      sql_table = dovecot.sieve
      username_field = username
      value_field script {{
      }}
      key_field id {{
        value = $id
        type = uint
      }}
    }}
  }}
}}
protocol imap {{
  mail_plugins {{
    imap_quota = yes
    last_login = yes
  }}
}}
protocol pop3 {{
  mail_plugins {{
    last_login = yes
  }}
}}
# Who is out of office: userdb says the number of the script, 0 for none. It is read and compiled for each message.
protocol lmtp {{
  mail_plugins {{
    sieve = yes
  }}
}}
sieve_script answer {{
  driver = dict
  name = %{{userdb:answer | default('0')}}
  dict proxy {{
    name = sieve
  }}
}}

{for_postfix(host)}
service auth-worker {{
  # As that of auth: this is where a hash is verified.
  vsz_limit = 1G
}}
!include_try {host.directory}/local.conf
"""  # noqa: S608  Dovecot escapes
