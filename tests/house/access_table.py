"""Who may do what: each URL of the panel, and what each person gets there.

`in` is the way to the sign-in page, a number the status of the answer. 404 means: not yours, so not there. A POST sends
what FORMS holds for that URL name. A URL that is missing here fails a test.

The stranger is domain admin of foreign.example, the domain admin of the falcot domains, the owner of jean@falcot.org.
"""

from typing import NamedTuple

from domains.dkim_keys import generate, pem_of
from mailboxes.mailing_forms import BroadcastForm
from tests.plugins.household import PEOPLE

PRIVATE_KEY = pem_of(generate("ed25519"))
# The columns: method, name, url; anonymous, stranger, owner, domain admin, superuser
TABLE = """
GET  sign_in                /sign-in/                                          200 302 302 302 302
POST sign_in                /sign-in/                                          302 302 302 302 302
POST sign_out               /sign-out/                                         302 302 302 302 302
POST set_language           /language/                                         302 302 302 302 302
GET  health                 /health/                                           200 200 200 200 200

GET  overview               /                                                  in  200 302 200 200
GET  find                   /find/                                             in  200 404 200 200
GET  account                /account/                                          in  200 404 200 200
POST account                /account/                                          in  302 404 302 302
GET  token_list             /account/tokens/                                   in  200 404 200 200
GET  token_add              /account/tokens/add/                               in  200 404 200 200
POST token_add              /account/tokens/add/                               in  200 404 200 200
GET  token_revoke           /account/tokens/{token}/revoke/                    in  404 404 404 200
POST token_revoke           /account/tokens/{token}/revoke/                    in  404 404 404 302
GET  api_docs               /api/v1/docs/                                      in  200 404 200 200
GET  history                /history/                                          in  200 404 200 200
GET  kept_rows              /takeovers/kept/                                   in  200 404 200 200
GET  history_before         /history/before/                                   in  200 404 200 200
GET  undo                   /history/{change_set}/undo/                        in  404 404 200 200
POST undo                   /history/{change_set}/undo/                        in  404 404 302 302
GET  undo                   /history/{foreign_change_set}/undo/                in  200 404 404 200
POST undo                   /history/{foreign_change_set}/undo/                in  302 404 404 302
GET  address_list           /addresses/                                        in  200 404 200 200
GET  forward_list           /addresses/forwards/                               in  200 404 200 200
GET  lookup                 /lookup/                                           in  200 404 200 200
GET  simulate               /simulate/                                         in  404 404 404 200

GET  domain_list            /domains/                                          in  200 404 200 200
GET  domain_add             /domains/add/                                      in  404 404 404 200
POST domain_add             /domains/add/                                      in  404 404 404 302
GET  domain                 /domains/falcot.org/                               in  404 404 200 200
GET  domain                 /domains/falcot.com/                               in  404 404 200 200
GET  domain                 /domains/foreign.example/                          in  200 404 404 200
GET  domain                 /domains/mx.example.net/                           in  404 404 404 200
GET  domain                 /domains/no-such.example/                          in  404 404 404 404
GET  domain_settings        /domains/falcot.org/settings/                      in  404 404 200 200
POST domain_settings        /domains/falcot.org/settings/                      in  404 404 302 302
GET  domain_settings        /domains/foreign.example/settings/                 in  200 404 404 200
POST domain_settings        /domains/foreign.example/settings/                 in  302 404 404 302
POST domain_admin_add       /domains/falcot.org/admins/add/                    in  404 404 404 302
POST domain_admin_add       /domains/foreign.example/admins/add/               in  404 404 404 302
POST domain_admin_remove    /domains/falcot.org/admins/remove/                 in  404 404 404 302
POST domain_admin_remove    /domains/foreign.example/admins/remove/            in  404 404 404 302
GET  domain_delete          /domains/foreign.example/delete/                   in  404 404 404 200
POST domain_delete          /domains/foreign.example/delete/                   in  404 404 404 302
GET  domain_delete          /domains/falcotsbrand.com/delete/                  in  404 404 404 200
POST domain_delete          /domains/falcotsbrand.com/delete/                  in  404 404 404 302
GET  dkim_list              /domains/falcot.org/dkim/                          in  404 404 200 200
POST dkim_list              /domains/falcot.org/dkim/                          in  404 404 404 302
GET  dkim_list              /domains/foreign.example/dkim/                     in  200 404 404 200
POST dkim_list              /domains/foreign.example/dkim/                     in  404 404 404 302
GET  dkim_import            /domains/falcot.org/dkim/import/                   in  404 404 404 200
POST dkim_import            /domains/falcot.org/dkim/import/                   in  404 404 404 302
POST dkim_rotate            /domains/falcotsbrand.com/dkim/rotate/             in  404 404 404 302
POST dkim_look              /domains/falcot.org/dkim/look/                     in  404 404 404 302
GET  dkim_change            /domains/falcot.org/dkim/s1/change/                in  404 404 404 200
POST dkim_change            /domains/falcot.org/dkim/s1/change/                in  404 404 404 302
GET  keys_to_do             /dkim/                                             in  200 404 200 200
GET  signing_hosts          /dkim/hosts/                                       in  404 404 404 200
GET  signing_host_forget    /dkim/hosts/mx.falcot.org/forget/                  in  404 404 404 200
POST signing_host_forget    /dkim/hosts/mx.falcot.org/forget/                  in  404 404 404 302
POST dkim_move              /domains/falcot.org/dkim/s1/move/                  in  404 404 404 302
GET  dkim_delete            /domains/falcot.org/dkim/s1/delete/                in  404 404 404 200
POST dkim_delete            /domains/falcot.org/dkim/s1/delete/                in  404 404 404 302
GET  dns_list               /dns/                                              in  200 404 200 200
POST dns_check_all          /dns/check/                                        in  404 404 404 302
GET  dns_host_changes       /dns/changes/                                      in  404 404 404 200
POST dns_host_check         /dns/mail-hosts/check/                             in  404 404 404 302
GET  dns_host_export        /dns/mail-hosts/export/                            in  404 404 404 200
GET  dns_settings           /dns/settings/                                     in  404 404 404 200
POST dns_settings           /dns/settings/                                     in  404 404 404 302
GET  dns_server_add         /dns/servers/add/                                  in  404 404 404 200
POST dns_server_add         /dns/servers/add/                                  in  404 404 404 302
GET  dns_server             /dns/servers/{update_server}/                      in  404 404 404 200
POST dns_server             /dns/servers/{update_server}/                      in  404 404 404 302
GET  dns_server_delete      /dns/servers/{update_server}/delete/               in  404 404 404 200
POST dns_server_delete      /dns/servers/{update_server}/delete/               in  404 404 404 302
GET  dns_domain             /domains/falcot.org/dns/                           in  404 404 200 200
GET  dns_domain             /domains/foreign.example/dns/                      in  200 404 404 200
POST dns_check              /domains/falcot.org/dns/check/                     in  404 404 302 302
POST dns_check              /domains/foreign.example/dns/check/                in  302 404 404 302
GET  dns_export             /domains/falcot.org/dns/export/                    in  404 404 200 200
GET  dns_export             /domains/foreign.example/dns/export/               in  200 404 404 200
GET  dns_publish            /domains/falcot.org/dns/publish/                   in  404 404 404 200
POST dns_publish            /domains/falcot.org/dns/publish/                   in  404 404 404 302
GET  dns_domain_settings    /domains/falcot.org/dns/settings/                  in  404 404 404 200
POST dns_domain_settings    /domains/falcot.org/dns/settings/                  in  404 404 404 302
GET  domain_history         /domains/falcot.org/history/                       in  404 404 200 200
GET  domain_history         /domains/foreign.example/history/                  in  200 404 404 200

GET  mailbox_list           /domains/falcot.org/mailboxes/                     in  404 404 200 200
POST mailbox_list           /domains/falcot.org/mailboxes/                     in  404 404 302 302
GET  mailbox_list           /domains/foreign.example/mailboxes/                in  200 404 404 200
POST mailbox_list           /domains/foreign.example/mailboxes/                in  302 404 404 302
GET  mailbox_add            /domains/falcot.org/mailboxes/add/                 in  404 404 200 200
POST mailbox_add            /domains/falcot.org/mailboxes/add/                 in  404 404 302 302
GET  mailbox_add            /domains/foreign.example/mailboxes/add/            in  200 404 404 200
POST mailbox_add            /domains/foreign.example/mailboxes/add/            in  302 404 404 302
GET  mailbox                /mailboxes/laure@falcot.org/                       in  404 404 200 200
POST mailbox                /mailboxes/laure@falcot.org/                       in  404 404 302 302
GET  mailbox                /mailboxes/mallory@foreign.example/                in  200 404 404 200
POST mailbox                /mailboxes/mallory@foreign.example/                in  302 404 404 302
GET  mailbox                /mailboxes/jean@falcot.org/                        in  404 404 200 200
POST mailbox                /mailboxes/jean@falcot.org/                        in  404 404 302 302
GET  mailbox                /mailboxes/nobody@falcot.org/                      in  404 404 404 404
GET  mailbox_password       /mailboxes/laure@falcot.org/password/              in  404 404 200 200
POST mailbox_password       /mailboxes/laure@falcot.org/password/              in  404 404 302 302
GET  mailbox_password       /mailboxes/mallory@foreign.example/password/       in  200 404 404 200
POST mailbox_password       /mailboxes/mallory@foreign.example/password/       in  302 404 404 302
GET  mailbox_rename         /mailboxes/laure@falcot.org/rename/                in  404 404 200 200
POST mailbox_rename         /mailboxes/laure@falcot.org/rename/                in  404 404 302 302
GET  mailbox_rename         /mailboxes/mallory@foreign.example/rename/         in  200 404 404 200
POST mailbox_rename         /mailboxes/mallory@foreign.example/rename/         in  200 404 404 302
GET  mailbox_senders        /mailboxes/laure@falcot.org/senders/               in  404 404 200 200
POST mailbox_senders        /mailboxes/laure@falcot.org/senders/               in  404 404 302 302
GET  mailbox_senders        /mailboxes/mallory@foreign.example/senders/        in  200 404 404 200
POST mailbox_senders        /mailboxes/mallory@foreign.example/senders/        in  200 404 404 302
GET  mailbox_out_of_office  /mailboxes/laure@falcot.org/out-of-office/         in  404 404 200 200
POST mailbox_out_of_office  /mailboxes/laure@falcot.org/out-of-office/         in  404 404 302 302
GET  mailbox_out_of_office  /mailboxes/mallory@foreign.example/out-of-office/  in  200 404 404 200
POST mailbox_out_of_office  /mailboxes/mallory@foreign.example/out-of-office/  in  302 404 404 302
POST sender_forbid          /mailboxes/laure@falcot.org/senders/forbid/        in  404 404 302 302
POST sender_forbid          /mailboxes/mallory@foreign.example/senders/forbid/ in  302 404 404 302
GET  domain_use             /domains/falcot.org/use/                           in  404 404 200 200
GET  domain_use             /domains/foreign.example/use/                      in  200 404 404 200
GET  nearly_full_list       /addresses/nearly-full/                            in  200 404 200 200
GET  mailbox_stop           /mailboxes/sophie@falcot.org/stop/                 in  404 404 200 200
POST mailbox_stop           /mailboxes/sophie@falcot.org/stop/                 in  404 404 302 302
GET  mailbox_stop           /mailboxes/mallory@foreign.example/stop/           in  200 404 404 200
POST mailbox_stop           /mailboxes/mallory@foreign.example/stop/           in  302 404 404 302
POST mailbox_release        /mailboxes/laure@falcot.org/release/               in  404 404 302 302
POST mailbox_release        /mailboxes/held@foreign.example/release/           in  302 404 404 302
GET  app_password_list      /mailboxes/jean@falcot.org/app-passwords/          in  404 404 200 200
GET  app_password_list      /mailboxes/mallory@foreign.example/app-passwords/  in  200 404 404 200
GET  app_password_revoke    /mailboxes/jean@falcot.org/app-passwords/{app_password}/revoke/ in  404 404 200 200
POST app_password_revoke    /mailboxes/jean@falcot.org/app-passwords/{app_password}/revoke/ in  404 404 302 302
GET  app_password_revoke    /mailboxes/laure@falcot.org/app-passwords/{app_password}/revoke/ in  404 404 404 404
GET  recovery_address_delete /mailboxes/jean@falcot.org/recovery-address/delete/ in  404 404 200 200
POST recovery_address_delete /mailboxes/jean@falcot.org/recovery-address/delete/ in  404 404 302 302
GET  recovery_address_delete /mailboxes/laure@falcot.org/recovery-address/delete/ in  404 404 404 404
GET  mailbox_delete         /mailboxes/laure@falcot.org/delete/                in  404 404 200 200
POST mailbox_delete         /mailboxes/laure@falcot.org/delete/                in  404 404 302 302
GET  mailbox_delete         /mailboxes/mallory@foreign.example/delete/         in  200 404 404 200
POST mailbox_delete         /mailboxes/mallory@foreign.example/delete/         in  302 404 404 302

GET  recipient_list         /domains/relay.falcot.org/recipients/              in  404 404 200 200
POST recipient_list         /domains/relay.falcot.org/recipients/              in  404 404 302 302
GET  recipient_list         /domains/relay.foreign.example/recipients/         in  200 404 404 200
POST recipient_list         /domains/relay.foreign.example/recipients/         in  302 404 404 302
GET  recipient_add          /domains/relay.falcot.org/recipients/add/          in  404 404 200 200
POST recipient_add          /domains/relay.falcot.org/recipients/add/          in  404 404 302 302
GET  recipient_add          /domains/relay.foreign.example/recipients/add/     in  200 404 404 200
POST recipient_add          /domains/relay.foreign.example/recipients/add/     in  302 404 404 302
GET  recipient_export       /domains/relay.falcot.org/recipients/export/       in  404 404 200 200
GET  recipient_export       /domains/relay.foreign.example/recipients/export/  in  200 404 404 200

GET  alias_list             /domains/falcot.org/aliases/                       in  404 404 200 200
GET  alias_list             /domains/foreign.example/aliases/                  in  200 404 404 200
GET  alias_add              /domains/falcot.org/aliases/add/                   in  404 404 200 200
POST alias_add              /domains/falcot.org/aliases/add/                   in  404 404 302 302
GET  alias_add              /domains/foreign.example/aliases/add/              in  200 404 404 200
POST alias_add              /domains/foreign.example/aliases/add/              in  302 404 404 302
GET  alias                  /aliases/contact@falcotsbrand.com/                 in  404 404 200 200
POST alias                  /aliases/contact@falcotsbrand.com/                 in  404 404 302 302
GET  alias                  /aliases/@foreign.example/                         in  200 404 404 200
POST alias                  /aliases/@foreign.example/                         in  302 404 404 302
GET  alias_rename           /aliases/contact@falcotsbrand.com/rename/          in  404 404 200 200
POST alias_rename           /aliases/contact@falcotsbrand.com/rename/          in  404 404 302 302
GET  alias_rename           /aliases/@foreign.example/rename/                  in  404 404 404 404
GET  alias_delete           /aliases/contact@falcotsbrand.com/delete/          in  404 404 200 200
POST alias_delete           /aliases/contact@falcotsbrand.com/delete/          in  404 404 302 302
GET  alias_delete           /aliases/@foreign.example/delete/                  in  200 404 404 200
POST alias_delete           /aliases/@foreign.example/delete/                  in  302 404 404 302

GET  mailbox_export         /domains/falcot.org/mailboxes/export/              in  404 404 200 200
GET  mailbox_export         /domains/falcot.org/mailboxes/export/?format=json  in  404 404 200 200
GET  mailbox_export         /domains/foreign.example/mailboxes/export/         in  200 404 404 200
GET  alias_export           /domains/falcot.org/aliases/export/                in  404 404 200 200
GET  alias_export           /domains/foreign.example/aliases/export/           in  200 404 404 200
GET  domain_export          /exports/domains/                                  in  200 404 200 200
GET  import_add             /imports/add/domains/                              in  404 404 404 200
POST import_add             /imports/add/domains/                              in  404 404 404 302
GET  import_add             /imports/add/mailboxes/                            in  200 404 200 200
POST import_add             /imports/add/mailboxes/                            in  302 404 302 302
GET  import                 /imports/{import_of_claire}/                       in  404 404 200 404
POST import                 /imports/{import_of_claire}/                       in  404 404 302 404
GET  import_faults          /imports/{import_of_claire}/faults/                in  404 404 200 404
GET  import                 /imports/{import}/                                 in  404 404 404 200
POST import                 /imports/{import}/                                 in  404 404 404 302
GET  import_faults          /imports/{import}/faults/                          in  404 404 404 200

GET  person_list            /people/                                           in  404 404 404 200
GET  person_add             /people/add/                                       in  404 404 404 200
POST person_add             /people/add/                                       in  404 404 404 302
GET  person                 /people/claire/                                    in  404 404 404 200
POST person                 /people/claire/                                    in  404 404 404 302
GET  person                 /people/mailbox:1/                                 in  404 404 404 404
GET  person_password        /people/claire/password/                           in  404 404 404 200
POST person_password        /people/claire/password/                           in  404 404 404 302
GET  person_delete          /people/claire/delete/                             in  404 404 404 200
POST person_delete          /people/claire/delete/                             in  404 404 404 302

GET  job_list               /jobs/                                             in  404 404 404 200
GET  job                    /jobs/{job}/                                       in  404 404 404 200
POST alias_report_start     /jobs/alias-report/                                in  404 404 404 302
GET  takeover_list          /takeovers/                                        in  404 404 404 200
GET  takeover               /takeovers/{takeover}/                             in  404 404 404 200
GET  mail_settings          /settings/                                         in  404 404 404 200
POST mail_settings          /settings/                                         in  404 404 404 302
GET  password_settings      /settings/passwords/                               in  404 404 404 200
POST password_settings      /settings/passwords/                               in  404 404 404 302
POST password_strength      /password-strength/                                200 200 200 200 200
GET  default_aliases        /settings/default-aliases/                         in  404 404 404 200
POST default_aliases        /settings/default-aliases/                         in  404 404 404 302
POST default_alias_delete   /settings/default-aliases/{default_alias}/delete/  in  404 404 404 302
GET  default_aliases_missing /settings/default-aliases/missing/                in  404 404 404 200
POST default_aliases_add    /settings/default-aliases/add/                     in  404 404 404 302

GET  local_user_list        /mail-servers/local-users/                         in  404 404 404 200
GET  comparison_list        /mail-servers/comparisons/                         in  404 404 404 200
GET  comparison             /mail-servers/comparisons/{comparison}/            in  404 404 404 200
GET  access                 /restrictions/access/                              in  404 404 404 200
GET  access_allowed         /restrictions/access/allowed/                      in  404 404 404 200
POST access_allowed         /restrictions/access/allowed/                      in  404 404 404 302
GET  access_default_class   /restrictions/access/default-class/                in  404 404 404 200
POST access_default_class   /restrictions/access/default-class/                in  404 404 404 302
GET  access_table_add       /restrictions/access/add-table/                    in  404 404 404 200
POST access_table_add       /restrictions/access/add-table/                    in  404 404 404 302
GET  access_table           /restrictions/access/tables/partners/table/        in  404 404 404 200
POST access_table           /restrictions/access/tables/partners/table/        in  404 404 404 302
GET  access_table           /restrictions/access/tables/no_such/table/         in  404 404 404 404
GET  access_table_delete    /restrictions/access/tables/partners/delete/       in  404 404 404 200
POST access_table_delete    /restrictions/access/tables/partners/delete/       in  404 404 404 302
GET  access_rule_list       /restrictions/access/tables/sender/                in  404 404 404 200
GET  access_rule_list       /restrictions/access/tables/no_such/               in  404 404 404 404
GET  access_rule_add        /restrictions/access/tables/sender/add/            in  404 404 404 200
POST access_rule_add        /restrictions/access/tables/sender/add/            in  404 404 404 302
GET  access_rule            /restrictions/access/rules/{access_rule}/          in  404 404 404 200
POST access_rule            /restrictions/access/rules/{access_rule}/          in  404 404 404 302
GET  access_rule            /restrictions/access/rules/{falcot_rule}/          in  404 404 404 404
GET  access_rule_delete     /restrictions/access/rules/{access_rule}/delete/   in  404 404 404 200
POST access_rule_delete     /restrictions/access/rules/{access_rule}/delete/   in  404 404 404 302
GET  domain_restrictions    /domains/falcot.org/restrictions/                  in  404 404 200 200
POST domain_restrictions    /domains/falcot.org/restrictions/                  in  404 404 404 302
GET  domain_restrictions    /domains/foreign.example/restrictions/             in  200 404 404 200
POST domain_restrictions    /domains/foreign.example/restrictions/             in  404 404 404 302
GET  domain_access_rule_add /domains/falcot.org/restrictions/add/sender/       in  404 404 200 200
POST domain_access_rule_add /domains/falcot.org/restrictions/add/sender/       in  404 404 302 302
GET  domain_access_rule_add /domains/falcot.org/restrictions/add/client/       in  404 404 404 404
GET  domain_access_rule     /domains/falcot.org/restrictions/{falcot_rule}/    in  404 404 200 200
POST domain_access_rule     /domains/falcot.org/restrictions/{falcot_rule}/    in  404 404 302 302
GET  domain_access_rule     /domains/falcot.org/restrictions/{access_rule}/    in  404 404 404 404
GET  domain_access_rule     /domains/foreign.example/restrictions/{falcot_rule}/ in  404 404 404 404
GET  domain_access_rule_delete /domains/falcot.org/restrictions/{falcot_rule}/delete/ in  404 404 200 200
POST domain_access_rule_delete /domains/falcot.org/restrictions/{falcot_rule}/delete/ in  404 404 302 302
GET  address_restrictions   /addresses/sales@falcot.org/restrictions/          in  404 404 200 200
POST address_restrictions   /addresses/sales@falcot.org/restrictions/          in  404 404 302 302
GET  address_restrictions   /addresses/@foreign.example/restrictions/          in  200 404 404 200
POST address_restrictions   /addresses/@foreign.example/restrictions/          in  302 404 404 302

GET  transport_list         /mail-servers/transports/                          in  404 404 404 200
GET  transport_add          /mail-servers/transports/add/                      in  404 404 404 200
POST transport_add          /mail-servers/transports/add/                      in  404 404 404 302
GET  transport              /mail-servers/transports/{transport}/              in  404 404 404 200
POST transport              /mail-servers/transports/{transport}/              in  404 404 404 302
GET  transport_delete       /mail-servers/transports/{transport}/delete/       in  404 404 404 200
POST transport_delete       /mail-servers/transports/{transport}/delete/       in  404 404 404 302
GET  tls_policy_list        /mail-servers/tls-policies/                        in  404 404 404 200
GET  tls_policy_add         /mail-servers/tls-policies/add/                    in  404 404 404 200
POST tls_policy_add         /mail-servers/tls-policies/add/                    in  404 404 404 302
GET  tls_policy             /mail-servers/tls-policies/{tls_policy}/           in  404 404 404 200
POST tls_policy             /mail-servers/tls-policies/{tls_policy}/           in  404 404 404 302
GET  tls_policy_delete      /mail-servers/tls-policies/{tls_policy}/delete/    in  404 404 404 200
POST tls_policy_delete      /mail-servers/tls-policies/{tls_policy}/delete/    in  404 404 404 302
GET  sender_relay_list      /mail-servers/sender-relays/                       in  404 404 404 200
GET  sender_relay_add       /mail-servers/sender-relays/add/                   in  404 404 404 200
POST sender_relay_add       /mail-servers/sender-relays/add/                   in  404 404 404 302
GET  sender_relay           /mail-servers/sender-relays/{sender_relay}/        in  404 404 404 200
POST sender_relay           /mail-servers/sender-relays/{sender_relay}/        in  404 404 404 302
GET  sender_relay_delete    /mail-servers/sender-relays/{sender_relay}/delete/ in  404 404 404 200
POST sender_relay_delete    /mail-servers/sender-relays/{sender_relay}/delete/ in  404 404 404 302
GET  bcc_list               /mail-servers/bcc/                                 in  404 404 404 200
GET  bcc_add                /mail-servers/bcc/add/                             in  404 404 404 200
POST bcc_add                /mail-servers/bcc/add/                             in  404 404 404 302
GET  bcc                    /mail-servers/bcc/{bcc}/                           in  404 404 404 200
POST bcc                    /mail-servers/bcc/{bcc}/                           in  404 404 404 302
GET  bcc_delete             /mail-servers/bcc/{bcc}/delete/                    in  404 404 404 200
POST bcc_delete             /mail-servers/bcc/{bcc}/delete/                    in  404 404 404 302
GET  relocated_list         /mail-servers/relocated/                           in  404 404 404 200
GET  relocated_add          /mail-servers/relocated/add/                       in  404 404 404 200
POST relocated_add          /mail-servers/relocated/add/                       in  404 404 404 302
GET  relocated              /mail-servers/relocated/{relocated}/               in  404 404 404 200
POST relocated              /mail-servers/relocated/{relocated}/               in  404 404 404 302
GET  relocated_delete       /mail-servers/relocated/{relocated}/delete/        in  404 404 404 200
POST relocated_delete       /mail-servers/relocated/{relocated}/delete/        in  404 404 404 302
GET  canonical_list         /mail-servers/canonical/                           in  404 404 404 200
GET  canonical_add          /mail-servers/canonical/add/                       in  404 404 404 200
POST canonical_add          /mail-servers/canonical/add/                       in  404 404 404 302
GET  canonical              /mail-servers/canonical/{canonical}/               in  404 404 404 200
POST canonical              /mail-servers/canonical/{canonical}/               in  404 404 404 302
GET  canonical_delete       /mail-servers/canonical/{canonical}/delete/        in  404 404 404 200
POST canonical_delete       /mail-servers/canonical/{canonical}/delete/        in  404 404 404 302

GET  restriction_list       /restrictions/                                     in  404 404 404 200
POST restriction_recommended /restrictions/recommended/                         in  404 404 404 302
GET  restriction_add        /restrictions/add/helo/                            in  404 404 404 200
POST restriction_add        /restrictions/add/helo/                            in  404 404 404 302
GET  restriction_add        /restrictions/add/no-such-stage/                   in  404 404 404 404
GET  restriction            /restrictions/{restriction}/                       in  404 404 404 200
POST restriction            /restrictions/{restriction}/                       in  404 404 404 302
POST restriction_move       /restrictions/{restriction}/move/                  in  404 404 404 302
GET  restriction_delete     /restrictions/{restriction}/delete/                in  404 404 404 200
POST restriction_delete     /restrictions/{restriction}/delete/                in  404 404 404 302
GET  restriction_class_add  /restrictions/classes/add/                         in  404 404 404 200
POST restriction_class_add  /restrictions/classes/add/                         in  404 404 404 302
GET  restriction_class      /restrictions/classes/{restriction_class}/         in  404 404 404 200
POST restriction_class      /restrictions/classes/{restriction_class}/         in  404 404 404 302
GET  restriction_class_entry_add /restrictions/classes/{restriction_class}/add/     in  404 404 404 200
POST restriction_class_entry_add /restrictions/classes/{restriction_class}/add/     in  404 404 404 302
GET  restriction_class_delete /restrictions/classes/{restriction_class}/delete/  in  404 404 404 200
POST restriction_class_delete /restrictions/classes/{restriction_class}/delete/  in  404 404 404 302

GET  my_mailbox             /my-mailbox/                                       in  404 200 404 404
GET  autoconfig             /mail/config-v1.1.xml?emailaddress=jean@falcot.org 200 200 200 200 200
GET  autoconfig_well_known  /.well-known/autoconfig/mail/config-v1.1.xml       404 404 404 404 404
POST autodiscover           /autodiscover/autodiscover.xml                     404 404 404 404 404
GET  my_set_up              /my-mailbox/set-up/                                in  404 200 404 404
GET  my_apple_profile       /my-mailbox/set-up/mail.mobileconfig               in  404 200 404 404
GET  mailing_settings       /settings/mailings/                                in  404 404 404 200
POST mailing_settings       /settings/mailings/                                in  404 404 404 302
GET  broadcast_list         /broadcasts/                                       in  200 404 200 200
GET  broadcast_add          /broadcasts/add/                                   in  200 404 200 200
POST broadcast_add          /broadcasts/add/                                   in  302 404 302 302
GET  broadcast              /broadcasts/{broadcast}/                           in  404 404 404 200
GET  broadcast              /broadcasts/{broadcast_of_claire}/                 in  404 404 200 200
POST broadcast_stop         /broadcasts/{broadcast}/stop/                      in  404 404 404 302
POST broadcast_stop         /broadcasts/{broadcast_of_claire}/stop/            in  404 404 302 302
GET  server_names           /settings/server-names/                            in  404 404 404 200
POST server_names           /settings/server-names/                            in  404 404 404 302
GET  my_history             /my-mailbox/history/                               in  404 200 404 404
GET  my_forwarding          /my-mailbox/forwarding/                            in  404 200 404 404
POST my_forwarding          /my-mailbox/forwarding/                            in  404 302 404 404
GET  my_out_of_office       /my-mailbox/out-of-office/                         in  404 200 404 404
POST my_out_of_office       /my-mailbox/out-of-office/                         in  404 302 404 404
GET  my_mailbox_password    /my-mailbox/password/                              in  404 200 404 404
POST my_mailbox_password    /my-mailbox/password/                              in  404 302 404 404
GET  my_recovery_address    /my-mailbox/recovery-address/                      in  404 200 404 404
POST my_recovery_address    /my-mailbox/recovery-address/                      in  404 302 404 404
GET  password_forgotten     /sign-in/forgotten/                                200 200 200 200 200
POST password_forgotten     /sign-in/forgotten/                                302 302 302 302 302
GET  password_reset         /sign-in/new-password/{reset_token}/               200 200 200 200 200
POST password_reset         /sign-in/new-password/{reset_token}/               302 302 302 302 302
GET  recovery_confirm       /sign-in/recovery-address/{confirm_token}/         200 200 200 200 200
POST recovery_confirm       /sign-in/recovery-address/{confirm_token}/         302 302 302 302 302
GET  my_app_passwords       /my-mailbox/app-passwords/                         in  404 200 404 404
GET  my_app_password_add    /my-mailbox/app-passwords/add/                     in  404 200 404 404
POST my_app_password_add    /my-mailbox/app-passwords/add/                     in  404 200 404 404
GET  my_app_password_revoke /my-mailbox/app-passwords/{app_password}/revoke/   in  404 200 404 404
POST my_app_password_revoke /my-mailbox/app-passwords/{app_password}/revoke/   in  404 302 404 404
"""


def _digest_of_broadcast(**typed: str) -> str:
    """As if it had been looked at."""
    form = BroadcastForm(typed)
    assert form.is_valid()
    return form.digest


# What is sent by a POST, so that whoever may do it has done it. The same for every object of the name.
FORMS: dict[str, dict[str, str]] = {
    "sign_in": {"username": "ada@example.net", "password": "ada has every key there is"},
    "sign_out": {},
    "set_language": {"language": "ja", "next": "/"},
    "account": {"do": "account", "name": "A New Name", "language": "ja"},
    "token_add": {"name": "new", "may_mailboxes": "read"},
    "token_revoke": {},
    "domain_add": {"name": "new.example", "address_class": "virtual_mailbox", "active": "on"},
    "domain_settings": {"address_class": "virtual_mailbox", "description": "Described anew", "active": "on"},
    "dkim_list": {"selector": "s2", "algorithm": "ed25519"},
    "dkim_import": {"selector": "s2", "private_key": PRIVATE_KEY},
    "dkim_rotate": {},
    "dkim_look": {},
    "dkim_change": {"local_parts": "newsletter", "version": "1"},
    "dkim_move": {"state": "published", "reason": "The servers are inside only"},
    "dkim_delete": {},
    "signing_host_forget": {},
    "dns_check_all": {},
    "dns_host_check": {},
    "dns_check": {},
    "dns_publish": {},
    "dns_settings": {
        "hosts": "mx1.falcot.com 192.0.2.26",
        "dmarc_policy": "reject",
        "dmarc_percent": "100",
        "sts_days": "7",
        "spf_strict": "on",
    },
    "dns_domain_settings": {"is_checked": "on", "dmarc_policy": "none"},
    "dns_server_add": {
        "name": "other",
        "address": "192.0.2.53",
        "port": "53",
        "algorithm": "hmac-sha256",
        "secret": "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=",
    },
    "dns_server": {"address": "192.0.2.54", "port": "53", "algorithm": "hmac-sha512", "for_all": "on"},
    "dns_server_delete": {},
    "domain_admin_add": {"user": "newcomer"},
    "domain_admin_remove": {"user": "claire"},
    "domain_delete": {},
    "mailbox_list": {"do": "deactivate", "pick": "{mailbox}"},
    "mailbox_add": {"local_part": "new", "name": "New", "quota": "2", "quota_unit": "GB", "mail_format": "maildir"},
    "mailbox": {
        "name": "Another name",
        "quota": "3",
        "quota_unit": "GB",
        "mail_path": "{path}",
        "receives": "on",
        "expires_at": "2998-01-31T18:00",
        "active": "on",
    },
    "mailbox_password": {"password": "a new and longer one", "again": "a new and longer one"},
    "mailbox_stop": {},
    "mailbox_release": {},
    "mailbox_delete": {},
    "mailbox_rename": {"address": "renamed@falcot.org", "keep_old": "on"},
    "alias_rename": {"address": "renamed@falcot.org"},
    "recipient_list": {"do": "delete", "pick": "{recipient}", "is_sure": "yes"},
    "mailbox_senders": {"senders": "noreply@falcot.org, @falcot.com"},
    "sender_forbid": {"pick": "{permitted_sender}"},
    "recipient_add": {"recipients": "bob, eve"},
    "alias_add": {"local_part": "new", "destinations": "someone@elsewhere.example", "active": "on"},
    "alias": {
        "destinations": "someone@elsewhere.example",
        "comment": "Changed",
        "starts_at": "2020-01-31T18:00",
        "active": "on",
    },
    "alias_delete": {},
    "undo": {},
    "person_add": {"username": "ben", "name": "Ben", "password": ""},
    "person": {"username": "claire", "name": "Claire Anew", "language": "ja", "is_active": "on"},
    "person_password": {"password": "claire needs a longer one", "again": "claire needs a longer one"},
    "person_delete": {},
    "alias_report_start": {},
    "mail_settings": {
        "recipient_delimiter": "-",
        "mail_path_template": "{{domain}}/{{local_part}}",
        "quarantine_days": "7",
        "dkim_retiring_days": "7",
        "dkim_rotation_months": "6",
    },
    "password_settings": {"least_length": "10", "least_strength": "2", "valid_days": "", "grace_days": "7"},
    "password_strength": {"password": "let me read my mail", "address": "jean@falcot.org"},
    "default_aliases": {"local_parts": "abuse, postmaster", "destination": "jean@falcot.org"},
    "default_alias_delete": {},
    "default_aliases_add": {},
    "access_allowed": {"actions": "OK"},
    "access_default_class": {"class-of_class": "greylisting"},
    "access_table_add": {"name": "friends", "applies_to": "sender"},
    "access_table": {"comment": "Changed"},
    "access_table_delete": {},
    "access_rule_add": {"key": "new.example", "action": "REJECT", "text": "No", "active": "on"},
    "access_rule": {"key": "spam.example", "action": "HOLD", "active": "on"},
    "access_rule_delete": {},
    "domain_restrictions": {"class-of_class": "greylisting"},
    "domain_access_rule_add": {"key": "new.example", "action": "REJECT", "text": "No", "active": "on"},
    "domain_access_rule": {"key": "spam.example", "action": "REJECT", "active": "on"},
    "domain_access_rule_delete": {},
    "address_restrictions": {"writers-writers": "members", "writers-named": "boss@example.net"},
    "restriction_recommended": {},
    "restriction_add": {"name": "reject_unauth_pipelining", "active": "on"},
    "restriction": {"name": "reject_unauth_pipelining", "warn_only": "on", "comment": "Changed"},
    "restriction_move": {"to": "1"},
    "restriction_delete": {},
    "restriction_class_add": {"name": "strict", "comment": "For some"},
    "restriction_class": {"name": "greylisted", "comment": "Changed"},
    "restriction_class_entry_add": {"name": "reject_plaintext_session"},
    "restriction_class_delete": {},
    "transport_add": {"key": "new.example", "result": "smtp:[mx.new.example]", "active": "on"},
    "transport": {"key": "there.example", "result": "smtp:[mx.there.example]:2525", "active": "on"},
    "transport_delete": {},
    "tls_policy_add": {"key": "[mx.new.example]:587", "result": "encrypt", "active": "on"},
    "tls_policy": {"key": "there.example", "result": "secure match=.there.example", "active": "on"},
    "tls_policy_delete": {},
    "sender_relay_add": {
        "key": "new@falcot.org",
        "result": "[relay.example.net]:587",
        "username": "falcot",
        "password": "the relay knows us",
        "active": "on",
    },
    "sender_relay": {
        "key": "@falcot.org",
        "result": "[relay.example.net]:465",
        "username": "falcot",
        "password": "the relay knows us",
        "active": "on",
    },
    "sender_relay_delete": {},
    "bcc_add": {"key": "new@falcot.org", "result": "b@elsewhere.example", "applies_to": "sender", "active": "on"},
    "bcc": {"key": "laure@falcot.org", "result": "c@elsewhere.example", "applies_to": "sender", "active": "on"},
    "bcc_delete": {},
    "relocated_add": {"key": "new@falcot.org", "result": "somewhere else", "active": "on"},
    "relocated": {"key": "gone@falcot.org", "result": "nobody knows where", "active": "on"},
    "relocated_delete": {},
    "canonical_add": {"key": "new@falcot.org", "result": "jean@falcot.org", "applies_to": "sender", "active": "on"},
    "canonical": {"key": "j@falcot.org", "result": "laure@falcot.org", "applies_to": "all", "active": "on"},
    "canonical_delete": {},
    "app_password_revoke": {},
    "recovery_address_delete": {},
    "my_recovery_address": {"address": "jean@elsewhere.example", "current": "jean keeps this one himself"},
    "password_forgotten": {"address": "jean@falcot.org"},
    "password_reset": {"password": "jean has a better one", "again": "jean has a better one"},
    "recovery_confirm": {},
    "my_app_password_add": {
        "name": "Laptop",
        "imap": "on",
        "expires_in_days": "30",
        "current": "jean keeps this one himself",
    },
    "my_app_password_revoke": {},
    "import_add": {"file": "as a file: {column}\nnew@falcot.org\n", "existing": "refuse"},
    "import": {},
    "mailbox_out_of_office": {"text": "I am away.", "days": "7", "active": "on"},
    "my_out_of_office": {"text": "I am away.", "days": "7", "active": "on"},
    "autodiscover": {},
    "mailing_settings": {"welcomes": "on", "welcome_text": "Hello", "mails_per_minute": "60"},
    "broadcast_add": {
        "subject": "Maintenance",
        "text": "On Sunday.",
        "do": "send",
        "seen": _digest_of_broadcast(subject="Maintenance", text="On Sunday."),
    },
    "broadcast_stop": {},
    "server_names": {"imap_host": "imap.falcot.org", "submission_host": "mail.falcot.org"},
    "my_forwarding": {"destinations": "someone@elsewhere.example", "keeps_copy": "on"},
    "my_mailbox_password": {
        "current": "jean keeps this one himself",
        "password": "jean has a better one",
        "again": "jean has a better one",
    },
}

# What programs post; it changes nothing, and is tried in mailboxes/test_set_up.py.
NO_FORM = {"autodiscover"}


class Row(NamedTuple):
    """One line of the table."""

    method: str
    name: str
    url: str
    expected: dict[str, str]

    def __str__(self) -> str:
        return f"{self.method} {self.url}"

    def for_whom(self, answer: str) -> list[str]:
        return [person for person, expected in self.expected.items() if expected == answer]


def _read(line: str) -> Row:
    method, name, url, *answers = line.split()
    return Row(method, name, url, dict(zip(PEOPLE, answers, strict=True)))


ROWS = [_read(line) for line in TABLE.splitlines() if line.strip()]
