"""Who may do what through the API: each URL and verb, and what each token gets there.

Every answer is a status. The stranger, the domain admin and the superuser come with a token of every scope; `limited`
is the superuser's token for falcot.org alone, `scopeless` the superuser's token for nothing but looking at jobs. The
mailbox owner has no token and comes with the session of the pages. BODIES holds what is sent.
"""

from typing import Any, NamedTuple

from domains.dkim_keys import generate, pem_of

CALLERS = ("anonymous", "owner", "stranger", "domain_admin", "superuser", "limited", "scopeless")

# The columns: method, name, path below /api/v1/; then the CALLERS
TABLE = """
GET    api_schema          schema/                                   401 404 200 200 200 200 200
GET    api_nowhere         no-such-thing/                            401 404 404 404 404 404 404

GET    api_domains_list    domains/                                  401 404 200 200 200 200 403
POST   api_domains_list    domains/                                  401 401 403 403 201 403 403
GET    api_domains         domains/falcot.org/                       401 404 404 200 200 200 403
GET    api_domains         domains/falcot.com/                       401 404 404 200 200 404 403
GET    api_domains         domains/foreign.example/                  401 404 200 404 200 404 403
PUT    api_domains         domains/falcot.org/                       401 401 403 200 200 200 403
PUT    api_domains         domains/new.example/                      401 401 403 403 201 403 403
PATCH  api_domains         domains/falcot.org/                       401 401 404 200 200 200 403
PATCH  api_domains         domains/foreign.example/                  401 401 200 404 200 404 403
DELETE api_domains         domains/falcotsbrand.com/                 401 401 404 403 204 404 403
DELETE api_domains         domains/foreign.example/                  401 401 403 404 204 404 403

GET    api_domain_admins_list    domain-admins/                        401 404 404 404 200 404 403
POST   api_domain_admins_list    domain-admins/                        401 401 404 404 201 404 403
GET    api_domain_admins         domain-admins/falcot.org/claire/      401 404 404 404 200 404 403
PUT    api_domain_admins         domain-admins/falcot.org/mallory/     401 401 404 404 201 404 403
DELETE api_domain_admins         domain-admins/falcot.org/claire/      401 401 404 404 204 404 403

GET    api_people_list     people/                                   401 404 404 404 200 404 403
POST   api_people_list     people/                                   401 401 404 404 201 404 403
GET    api_people          people/claire/                            401 404 404 404 200 404 403
PUT    api_people          people/claire/                            401 401 404 404 200 404 403
PATCH  api_people          people/mallory/                           401 401 404 404 200 404 403
DELETE api_people          people/mallory/                           401 401 404 404 204 404 403

GET    api_dkim_keys_list  dkim-keys/                               401 404 200 200 200 200 403
POST   api_dkim_keys_list  dkim-keys/                               401 401 403 403 201 403 403
GET    api_dkim_keys       dkim-keys/falcot.org/s1/                 401 404 404 200 200 200 403
PUT    api_dkim_keys       dkim-keys/falcot.org/s2/                 401 401 403 403 201 403 403
PATCH  api_dkim_keys       dkim-keys/falcot.org/s1/                 401 401 404 422 200 422 403
DELETE api_dkim_keys       dkim-keys/falcot.org/s1/                 401 401 404 403 204 403 403
POST   api_dkim_generations dkim-generations/                       401 401 404 404 202 404 403
POST   api_dkim_rotations  dkim-rotations/                          401 401 404 404 202 404 403
GET    api_signing_hosts_list signing-hosts/                        401 404 404 404 200 404 403
GET    api_signing_hosts   signing-hosts/mx.falcot.org/             401 404 404 404 200 404 403
DELETE api_signing_hosts   signing-hosts/mx.falcot.org/             401 401 404 404 204 404 403
GET    api_dns_records_list dns-records/                            401 404 200 200 200 200 403
GET    api_dns_records     dns-records/falcot.org/MX/falcot.org/    401 404 404 200 200 200 403
GET    api_expected_dns_records expected-dns-records/?domain=falcot.org 401 404 400 200 200 200 403
GET    api_expected_dns_records_of_mail_hosts expected-dns-records/mail-hosts/ 401 404 404 404 200 404 403
GET    api_dns_record_changes dns-record-changes/?domain=falcot.org 401 404 400 200 200 200 403
GET    api_dns_record_changes_of_mail_hosts dns-record-changes/mail-hosts/ 401 404 404 404 200 404 403
POST   api_dns_check       dns-check/?domain=falcot.org             401 401 400 202 202 403 403
POST   api_dns_check_of_mail_hosts dns-check/mail-hosts/        401 401 404 404 202 404 403
POST   api_dns_plan        dns-plan/?domain=falcot.org              401 401 404 404 202 404 403
POST   api_dns_publish     dns-publish/?domain=falcot.org&mark=1    401 401 404 404 202 404 403
GET    api_dns_settings    dns-settings/                            401 404 404 404 200 404 403
PUT    api_dns_settings    dns-settings/                            401 401 404 404 200 404 403
PATCH  api_dns_settings    dns-settings/                            401 401 404 404 200 404 403
GET    api_domain_dns_list domain-dns/                              401 404 404 404 200 404 403
POST   api_domain_dns_list domain-dns/                              401 401 404 404 201 404 403
GET    api_domain_dns      domain-dns/falcot.org/                   401 404 404 404 200 404 403
PUT    api_domain_dns      domain-dns/foreign.example/              401 401 404 404 201 404 403
PATCH  api_domain_dns      domain-dns/falcot.org/                   401 401 404 404 200 404 403
DELETE api_domain_dns      domain-dns/falcot.org/                   401 401 404 404 204 404 403
GET    api_update_servers_list update-servers/                      401 404 404 404 200 404 403
POST   api_update_servers_list update-servers/                      401 401 404 404 201 404 403
GET    api_update_servers  update-servers/panel/                    401 404 404 404 200 404 403
PUT    api_update_servers  update-servers/other/                    401 401 404 404 201 404 403
PATCH  api_update_servers  update-servers/panel/                    401 401 404 404 200 404 403
DELETE api_update_servers  update-servers/panel/                    401 401 404 404 204 404 403
GET    api_local_users_list local-users/                             401 404 404 404 200 404 403
GET    api_local_users     local-users/root/                         401 404 404 404 200 404 403

GET    api_mailboxes_list  mailboxes/                                401 404 200 200 200 200 403
POST   api_mailboxes_list  mailboxes/                                401 401 422 201 201 201 403
GET    api_mailboxes       mailboxes/laure@falcot.org/               401 404 404 200 200 200 403
GET    api_mailboxes       mailboxes/jean@falcot.org/                401 404 404 200 200 200 403
GET    api_mailboxes       mailboxes/mallory@foreign.example/        401 404 200 404 200 404 403
PUT    api_mailboxes       mailboxes/laure@falcot.org/               401 401 422 200 200 200 403
PUT    api_mailboxes       mailboxes/mallory@foreign.example/        401 401 200 422 200 422 403
PATCH  api_mailboxes       mailboxes/laure@falcot.org/               401 401 404 200 200 200 403
PATCH  api_mailboxes       mailboxes/mallory@foreign.example/        401 401 200 404 200 404 403
DELETE api_mailboxes       mailboxes/laure@falcot.org/               401 401 404 204 204 204 403
DELETE api_mailboxes       mailboxes/mallory@foreign.example/        401 401 204 404 204 404 403

GET    api_aliases_list    aliases/                                  401 404 200 200 200 200 403
POST   api_aliases_list    aliases/                                  401 401 422 201 201 201 403
GET    api_aliases         aliases/sales@falcot.org/                 401 404 404 200 200 200 403
GET    api_aliases         aliases/contact@falcotsbrand.com/         401 404 404 200 200 404 403
GET    api_aliases         aliases/@foreign.example/                 401 404 200 404 200 404 403
PUT    api_aliases         aliases/sales@falcot.org/                 401 401 422 200 200 200 403
PUT    api_aliases         aliases/@foreign.example/                 401 401 200 422 200 422 403
PATCH  api_aliases         aliases/sales@falcot.org/                 401 401 404 200 200 200 403
DELETE api_aliases         aliases/sales@falcot.org/                 401 401 404 204 204 204 403
DELETE api_aliases         aliases/@foreign.example/                 401 401 204 404 204 404 403

GET    api_relay_recipients_list relay-recipients/                      401 404 200 200 200 200 403
POST   api_relay_recipients_list relay-recipients/                      401 401 422 201 201 422 403
GET    api_relay_recipients      relay-recipients/ann@relay.falcot.org/ 401 404 404 200 200 404 403
PUT    api_relay_recipients      relay-recipients/bob@relay.falcot.org/ 401 401 422 201 201 422 403
DELETE api_relay_recipients      relay-recipients/ann@relay.falcot.org/ 401 401 404 204 204 404 403

GET    api_permitted_senders_list permitted-senders/                 401 404 200 200 200 200 403
POST   api_permitted_senders_list permitted-senders/                 401 401 422 201 201 201 403
GET    api_permitted_senders      permitted-senders/laure@falcot.org%2Fpress@falcot.org/ 401 404 404 200 200 200 403
PUT    api_permitted_senders      permitted-senders/laure@falcot.org%2Finfo@falcot.org/  401 401 422 201 201 201 403
PUT    api_permitted_senders      permitted-senders/laure@falcot.org%2Fx@foreign.example/ 401 401 422 422 201 422 403
DELETE api_permitted_senders      permitted-senders/laure@falcot.org%2Fpress@falcot.org/ 401 401 404 204 204 204 403

GET    api_app_passwords_list     app-passwords/                      401 404 200 200 200 200 403
GET    api_app_passwords          app-passwords/jean@falcot.org%2FPhone/ 401 404 404 200 200 200 403
DELETE api_app_passwords          app-passwords/jean@falcot.org%2FPhone/ 401 401 404 204 204 204 403
GET    api_recovery_addresses_list recovery-addresses/                401 404 200 200 200 200 403
GET    api_recovery_addresses      recovery-addresses/jean@falcot.org/ 401 404 404 200 200 200 403
DELETE api_recovery_addresses      recovery-addresses/jean@falcot.org/ 401 401 404 204 204 204 403
GET    api_sign_ins_list          sign-ins/                           401 404 200 200 200 200 403
GET    api_sign_ins               sign-ins/jean@falcot.org%2Fimap%2F192.0.2.7/ 401 404 404 200 200 200 403
GET    api_dovecot_hosts_list     dovecot-hosts/                      401 404 404 404 200 404 403
GET    api_dovecot_hosts          dovecot-hosts/mx1.example.net/      401 404 404 404 200 404 403
DELETE api_dovecot_hosts          dovecot-hosts/mx1.example.net/      401 401 404 404 204 404 403
GET    api_out_of_office_list out-of-office/                         401 404 200 200 200 200 403
POST   api_out_of_office_list out-of-office/                         401 401 422 201 201 201 403
GET    api_out_of_office      out-of-office/laure@falcot.org/        401 404 404 200 200 200 403
PUT    api_out_of_office      out-of-office/laure@falcot.org/        401 401 422 200 200 200 403
PUT    api_out_of_office      out-of-office/mallory@foreign.example/ 401 401 201 422 201 422 403
PATCH  api_out_of_office      out-of-office/laure@falcot.org/        401 401 404 200 200 200 403
DELETE api_out_of_office      out-of-office/laure@falcot.org/        401 401 404 204 204 204 403

GET    api_default_aliases_list default-aliases/                     401 404 404 404 200 404 403
POST   api_default_aliases_list default-aliases/                     401 401 404 404 201 404 403
GET    api_default_aliases      default-aliases/noc/                 401 404 404 404 200 404 403
PUT    api_default_aliases      default-aliases/abuse/               401 401 404 404 201 404 403
PATCH  api_default_aliases      default-aliases/noc/                 401 401 404 404 200 404 403
DELETE api_default_aliases      default-aliases/noc/                 401 401 404 404 204 404 403

GET    api_mailing_settings mailing-settings/                        401 404 404 404 200 404 403
PUT    api_mailing_settings mailing-settings/                        401 401 404 404 200 404 403
PATCH  api_mailing_settings mailing-settings/                        401 401 404 404 200 404 403
GET    api_broadcasts      broadcasts/                               401 404 200 200 200 403 403
POST   api_broadcasts      broadcasts/                               401 401 201 201 201 403 403
GET    api_broadcast       broadcasts/{broadcast}/                   401 404 404 404 200 403 403
GET    api_broadcast       broadcasts/{broadcast_of_claire}/         401 404 404 200 200 403 403
POST   api_broadcast_stop  broadcasts/{broadcast}/stop/              401 401 404 404 200 403 403
POST   api_broadcast_stop  broadcasts/{broadcast_of_claire}/stop/    401 401 404 200 200 403 403
GET    api_broadcast_refusals broadcasts/{broadcast_of_claire}/refusals/ 401 404 404 200 200 403 403
GET    api_server_names    server-names/                             401 404 404 404 200 404 403
PUT    api_server_names    server-names/                             401 401 404 404 200 404 403
PATCH  api_server_names    server-names/                             401 401 404 404 200 404 403

GET    api_mail_settings   mail-settings/                            401 404 404 404 200 404 403
PUT    api_mail_settings   mail-settings/                            401 401 404 404 200 404 403
PATCH  api_mail_settings   mail-settings/                            401 401 404 404 200 404 403

GET    api_password_settings   password-settings/                    401 404 404 404 200 404 403
PUT    api_password_settings   password-settings/                    401 401 404 404 200 404 403
PATCH  api_password_settings   password-settings/                    401 401 404 404 200 404 403

GET    api_restriction_lists_list   restriction-lists/                    401 404 404 404 200 404 403
POST   api_restriction_lists_list   restriction-lists/                    401 401 404 404 201 404 403
GET    api_restriction_lists        restriction-lists/client/             401 404 404 404 200 404 403
PUT    api_restriction_lists        restriction-lists/sender/             401 401 404 404 201 404 403
PATCH  api_restriction_lists        restriction-lists/client/             401 401 404 404 200 404 403
DELETE api_restriction_lists        restriction-lists/client/             401 401 404 404 204 404 403

GET    api_restriction_classes_list restriction-classes/                  401 404 404 404 200 404 403
POST   api_restriction_classes_list restriction-classes/                  401 401 404 404 201 404 403
GET    api_restriction_classes      restriction-classes/greylisting/      401 404 404 404 200 404 403
PUT    api_restriction_classes      restriction-classes/strict/           401 401 404 404 201 404 403
PATCH  api_restriction_classes      restriction-classes/greylisting/      401 401 404 404 200 404 403
DELETE api_restriction_classes      restriction-classes/greylisting/      401 401 404 404 204 404 403

GET    api_access_rules_list        access-rules/                         401 404 404 404 200 404 403
POST   api_access_rules_list        access-rules/                         401 401 404 404 201 404 403
GET    api_access_rules             access-rules/sender/spam.example/     401 404 404 404 200 404 403
PUT    api_access_rules             access-rules/sender/new.example/      401 401 404 404 201 404 403
PATCH  api_access_rules             access-rules/sender/spam.example/     401 401 404 404 200 404 403
DELETE api_access_rules             access-rules/sender/spam.example/     401 401 404 404 204 404 403

GET    api_access_tables_list       access-tables/                        401 404 404 404 200 404 403
POST   api_access_tables_list       access-tables/                        401 401 404 404 201 404 403
GET    api_access_tables            access-tables/partners/               401 404 404 404 200 404 403
PUT    api_access_tables            access-tables/friends/                401 401 404 404 201 404 403
PATCH  api_access_tables            access-tables/partners/               401 401 404 404 200 404 403
DELETE api_access_tables            access-tables/partners/               401 401 404 404 204 404 403

GET    api_access_table_rules_list  access-table-rules/                   401 404 404 404 200 404 403
POST   api_access_table_rules_list  access-table-rules/                   401 401 404 404 201 404 403
GET    api_access_table_rules       access-table-rules/partners/192.0.2.7/ 401 404 404 404 200 404 403
PUT    api_access_table_rules       access-table-rules/partners/192.0.2.8/ 401 401 404 404 201 404 403
PATCH  api_access_table_rules       access-table-rules/partners/192.0.2.7/ 401 401 404 404 200 404 403
DELETE api_access_table_rules       access-table-rules/partners/192.0.2.7/ 401 401 404 404 204 404 403

GET    api_domain_access_rules_list domain-access-rules/                  401 404 200 200 200 200 403
POST   api_domain_access_rules_list domain-access-rules/                  401 401 422 201 201 201 403
GET    api_domain_access_rules      domain-access-rules/falcot.org/sender/spam.example/ 401 404 404 200 200 200 403
PUT    api_domain_access_rules      domain-access-rules/falcot.org/sender/new.example/  401 401 422 201 201 201 403
PATCH  api_domain_access_rules      domain-access-rules/falcot.org/sender/spam.example/ 401 401 404 200 200 200 403
DELETE api_domain_access_rules      domain-access-rules/falcot.org/sender/spam.example/ 401 401 404 204 204 204 403

GET    api_allowed_actions_list     allowed-actions/                      401 404 404 404 200 404 403
POST   api_allowed_actions_list     allowed-actions/                      401 401 404 404 201 404 403
GET    api_allowed_actions          allowed-actions/REJECT/               401 404 404 404 200 404 403
PUT    api_allowed_actions          allowed-actions/DEFER/                401 401 404 404 201 404 403
DELETE api_allowed_actions          allowed-actions/REJECT/               401 401 404 404 204 404 403

GET    api_recipient_classes_list   recipient-classes/                    401 404 404 404 200 404 403
POST   api_recipient_classes_list   recipient-classes/                    401 401 404 404 201 404 403
GET    api_recipient_classes        recipient-classes/laure@falcot.org/   401 404 404 404 200 404 403
PUT    api_recipient_classes        recipient-classes/falcot.org/         401 401 404 404 201 404 403
PATCH  api_recipient_classes        recipient-classes/laure@falcot.org/   401 401 404 404 200 404 403
DELETE api_recipient_classes        recipient-classes/laure@falcot.org/   401 401 404 404 204 404 403

GET    api_protected_aliases_list   protected-aliases/                    401 404 200 200 200 200 403
POST   api_protected_aliases_list   protected-aliases/                    401 401 422 201 201 201 403
GET    api_protected_aliases        protected-aliases/staff@falcot.org/   401 404 404 200 200 200 403
PUT    api_protected_aliases        protected-aliases/sales@falcot.org/   401 401 422 201 201 201 403
PATCH  api_protected_aliases        protected-aliases/staff@falcot.org/   401 401 404 200 200 200 403
DELETE api_protected_aliases        protected-aliases/staff@falcot.org/   401 401 404 204 204 204 403

GET    api_restriction_catalogue    restriction-catalogue/                401 404 404 404 200 404 403
GET    api_restriction_report       restriction-report/                   401 404 404 404 200 404 403
GET    api_restriction_preview      restriction-preview/                  401 404 404 404 200 404 403

GET    api_transports_list     transports/                                401 404 404 404 200 404 403
POST   api_transports_list     transports/                                401 401 404 404 201 404 403
GET    api_transports          transports/there.example/                  401 404 404 404 200 404 403
PUT    api_transports          transports/new.example/                    401 401 404 404 201 404 403
PATCH  api_transports          transports/there.example/                  401 401 404 404 200 404 403
DELETE api_transports          transports/there.example/                  401 401 404 404 204 404 403

GET    api_tls_policies_list   tls-policies/                              401 404 404 404 200 404 403
POST   api_tls_policies_list   tls-policies/                              401 401 404 404 201 404 403
GET    api_tls_policies        tls-policies/there.example/                401 404 404 404 200 404 403
PUT    api_tls_policies        tls-policies/[mx.new.example]:587/         401 401 404 404 201 404 403
PATCH  api_tls_policies        tls-policies/there.example/                401 401 404 404 200 404 403
DELETE api_tls_policies        tls-policies/there.example/                401 401 404 404 204 404 403

GET    api_sender_relays_list  sender-relays/                             401 404 404 404 200 404 403
POST   api_sender_relays_list  sender-relays/                             401 401 404 404 201 404 403
GET    api_sender_relays       sender-relays/@falcot.org/                 401 404 404 404 200 404 403
PUT    api_sender_relays       sender-relays/new@falcot.org/              401 401 404 404 201 404 403
PATCH  api_sender_relays       sender-relays/@falcot.org/                 401 401 404 404 200 404 403
DELETE api_sender_relays       sender-relays/@falcot.org/                 401 401 404 404 204 404 403

GET    api_bcc_list            bcc/                                       401 404 404 404 200 404 403
POST   api_bcc_list            bcc/                                       401 401 404 404 201 404 403
GET    api_bcc                 bcc/recipient/laure@falcot.org/            401 404 404 404 200 404 403
PUT    api_bcc                 bcc/sender/new@falcot.org/                 401 401 404 404 201 404 403
PATCH  api_bcc                 bcc/recipient/laure@falcot.org/            401 401 404 404 200 404 403
DELETE api_bcc                 bcc/recipient/laure@falcot.org/            401 401 404 404 204 404 403

GET    api_relocated_list      relocated/                                 401 404 404 404 200 404 403
POST   api_relocated_list      relocated/                                 401 401 404 404 201 404 403
GET    api_relocated           relocated/gone@falcot.org/                 401 404 404 404 200 404 403
PUT    api_relocated           relocated/new@falcot.org/                  401 401 404 404 201 404 403
PATCH  api_relocated           relocated/gone@falcot.org/                 401 401 404 404 200 404 403
DELETE api_relocated           relocated/gone@falcot.org/                 401 401 404 404 204 404 403

GET    api_canonical_list      canonical/                                 401 404 404 404 200 404 403
POST   api_canonical_list      canonical/                                 401 401 404 404 201 404 403
GET    api_canonical           canonical/all/j@falcot.org/                401 404 404 404 200 404 403
PUT    api_canonical           canonical/sender/new@falcot.org/           401 401 404 404 201 404 403
PATCH  api_canonical           canonical/all/j@falcot.org/                401 401 404 404 200 404 403
DELETE api_canonical           canonical/all/j@falcot.org/                401 401 404 404 204 404 403

POST   api_changes         changes/                                  401 401 422 200 200 200 403
GET    api_history         history/                                  401 404 200 200 200 200 403
GET    api_change_set      history/{change_set}/                     401 404 404 200 200 200 403
GET    api_change_set      history/{foreign_change_set}/             401 404 200 404 200 404 403
POST   api_undo            history/{change_set}/undo/                401 401 404 200 200 200 403
POST   api_undo            history/{foreign_change_set}/undo/        401 401 200 404 200 404 403
GET    api_jobs            jobs/                                     401 404 200 200 200 200 200
GET    api_job             jobs/{job}/                               401 404 404 404 200 404 200

GET    api_alias_report    alias-report/                             401 404 404 404 200 404 403
POST   api_alias_report    alias-report/                             401 401 404 404 202 404 403
GET    api_nearly_full     nearly-full/                              401 404 200 200 200 200 403
GET    api_nearly_full     nearly-full/?domain=falcot.org            401 404 400 200 200 200 403
GET    api_use             use/falcot.org/                           401 404 404 200 200 200 403
GET    api_forwards        forwards/                                 401 404 200 200 200 200 403
GET    api_forwards        forwards/?domain=falcot.org               401 404 400 200 200 200 403
GET    api_missing_default_aliases missing-default-aliases/          401 404 404 404 200 404 403
POST   api_missing_default_aliases missing-default-aliases/          401 401 404 404 202 404 403

GET    api_imports         imports/?kind=mailboxes                   401 404 200 200 200 403 403
POST   api_imports         imports/?kind=mailboxes                   401 401 201 201 201 403 403
GET    api_import          imports/{import}/                         401 404 404 404 200 403 403
GET    api_import          imports/{import_of_claire}/               401 404 404 200 404 403 404
DELETE api_import          imports/{import}/                         401 401 404 404 204 403 403
GET    api_import_faults   imports/{import}/faults/                  401 404 404 404 200 403 403
POST   api_import_write    imports/{import}/write/                   401 401 404 404 202 403 403
POST   api_import_write    imports/{import_of_claire}/write/         401 401 404 202 404 403 404
GET    api_export          exports/mailboxes/                        401 404 200 200 200 200 403
GET    api_export          exports/aliases/?domain=falcot.org        401 404 400 200 200 200 403
GET    api_export          exports/domains/                          401 404 200 200 200 200 403

GET    api_takeovers       takeovers/                               401 404 404 404 200 404 403
GET    api_takeover        takeovers/{takeover}/                    401 404 404 404 200 404 403
GET    api_kept_rows       takeovers/kept/?kind=vacation            401 404 200 200 200 200 403
GET    api_kept_rows       takeovers/kept/?domain=falcot.org        401 404 200 200 200 200 403
GET    api_history_before  history/before/                          401 404 200 200 200 200 403
GET    api_comparisons     comparisons/                             401 404 404 404 200 404 403
GET    api_comparison      comparisons/{comparison}/                401 404 404 404 200 404 403
GET    api_differences     comparisons/{comparison}/differences/    401 404 404 404 200 404 403
GET    api_lookup          lookup/?address=jean@falcot.org           401 404 422 200 200 200 403
GET    api_lookup          lookup/?address=mallory@foreign.example   401 404 200 422 200 422 403
GET    api_lookup          lookup/?address=jean@falcot.org&from=jean@falcot.org 401 404 422 422 200 422 403
GET    api_simulate        simulate/?client=192.0.2.7&to=jean@falcot.org 401 404 404 404 200 404 403
GET    api_map             maps/virtual_mailbox_maps/?key=jean@falcot.org 401 404 404 404 200 404 403
GET    api_health          health/                                   401 404 200 200 200 200 403
"""

SENDER_RELAY = {"result": "[relay.example.net]:587", "username": "falcot", "password": "the relay knows us"}
PRIVATE_KEY = pem_of(generate("ed25519"))
UPDATE_SERVER = {"address": "192.0.2.53", "password": "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="}
BODIES: dict[str, Any] = {
    "POST api_domains_list": {"name": "new.example"},
    "PUT api_domains": {"description": "Described anew"},
    "PATCH api_domains": {"description": "Described anew"},
    "POST api_domain_admins_list": {"domain": "falcot.org", "username": "mallory"},
    "POST api_dkim_keys_list": {"domain": "falcot.org", "selector": "s2", "private_key": PRIVATE_KEY},
    "PUT api_dkim_keys": {"private_key": PRIVATE_KEY},
    "PATCH api_dkim_keys": {"state": "published", "reason": "They are our own servers"},
    "POST api_dkim_generations": {"domain": "falcot.org", "selector": "s2", "algorithm": "ed25519"},
    "POST api_dkim_rotations": {"domain": "falcotsbrand.com"},
    "POST api_people_list": {"username": "new", "password": "walks around the fence"},
    "PUT api_people": {"name": "Another name"},
    "PATCH api_people": {"password": "a new and longer one"},
    "POST api_mailboxes_list": {"address": "new@falcot.org", "name": "New"},
    "PUT api_mailboxes": {"name": "Another name"},
    "PATCH api_mailboxes": {"name": "Another name", "password": "a new and longer one"},
    "POST api_aliases_list": {"address": "new@falcot.org", "destinations": ["someone@elsewhere.example"]},
    "PUT api_aliases": {"destinations": ["someone@elsewhere.example"]},
    "PATCH api_aliases": {"comment": "Changed"},
    "POST api_relay_recipients_list": {"address": "bob@relay.falcot.org"},
    "PUT api_relay_recipients": {},
    "PUT api_domain_admins": {},
    "POST api_permitted_senders_list": {"mailbox": "laure@falcot.org", "sender": "info@falcot.org"},
    "PUT api_permitted_senders": {},
    "POST api_out_of_office_list": {"mailbox": "sophie@falcot.org", "text": "I am away."},
    "PUT api_out_of_office": {"text": "I am away."},
    "PATCH api_out_of_office": {"active": False},
    "POST api_default_aliases_list": {"local_part": "abuse", "destination": "someone@elsewhere.example"},
    "PUT api_default_aliases": {"destination": "someone@elsewhere.example"},
    "PATCH api_default_aliases": {"destination": "someone@elsewhere.example"},
    "PUT api_mailing_settings": {"welcomes": True},
    "PATCH api_mailing_settings": {"welcome_text": "Hello {name}"},
    "POST api_broadcasts": {"subject": "Maintenance", "text": "On Sunday."},
    "PUT api_server_names": {"imap_host": "imap.falcot.org"},
    "PATCH api_server_names": {"pop_host": "pop.falcot.org"},
    "PUT api_mail_settings": {"quarantine_days": 7},
    "PATCH api_mail_settings": {"quarantine_days": 7},
    "PUT api_password_settings": {"grace_days": 7},
    "PATCH api_password_settings": {"grace_days": 7},
    "PUT api_dns_settings": {"dmarc_policy": "reject"},
    "PATCH api_dns_settings": {"dmarc_policy": "reject"},
    "POST api_domain_dns_list": {"domain": "foreign.example", "dmarc_policy": "reject"},
    "PUT api_domain_dns": {"dmarc_policy": "reject"},
    "PATCH api_domain_dns": {"is_checked": False},
    "POST api_update_servers_list": UPDATE_SERVER | {"name": "other"},
    "PUT api_update_servers": UPDATE_SERVER,
    "PATCH api_update_servers": {"address": "192.0.2.54"},
    "POST api_restriction_lists_list": {"stage": "helo", "entries": [{"name": "permit_mynetworks"}]},
    "PUT api_restriction_lists": {"entries": [{"name": "permit_mynetworks"}]},
    "PATCH api_restriction_lists": {"entries": [{"name": "permit_mynetworks"}]},
    "POST api_access_rules_list": {"applies_to": "sender", "key": "new.example", "action": "REJECT"},
    "PUT api_access_rules": {"action": "REJECT"},
    "PATCH api_access_rules": {"comment": "Changed"},
    "POST api_access_tables_list": {"name": "friends", "applies_to": "sender"},
    "PUT api_access_tables": {"applies_to": "sender"},
    "PATCH api_access_tables": {"comment": "Changed"},
    "POST api_access_table_rules_list": {"table": "partners", "key": "192.0.2.8", "action": "OK"},
    "PUT api_access_table_rules": {"action": "OK"},
    "PATCH api_access_table_rules": {"comment": "Changed"},
    "POST api_domain_access_rules_list": {
        "domain": "falcot.org",
        "applies_to": "sender",
        "key": "new.example",
        "action": "REJECT",
    },
    "PUT api_domain_access_rules": {"action": "REJECT"},
    "PATCH api_domain_access_rules": {"comment": "Changed"},
    "POST api_allowed_actions_list": {"action": "DEFER"},
    "PUT api_allowed_actions": {},
    "POST api_recipient_classes_list": {"recipient": "*", "of_class": "greylisting"},
    "PUT api_recipient_classes": {"of_class": "greylisting"},
    "PATCH api_recipient_classes": {"of_class": "greylisting"},
    "POST api_protected_aliases_list": {"address": "sales@falcot.org", "writers": "members"},
    "PUT api_protected_aliases": {"writers": "members"},
    "PATCH api_protected_aliases": {"writers": "domain"},
    "POST api_restriction_classes_list": {"name": "new"},
    "PUT api_restriction_classes": {"entries": [{"name": "permit_mynetworks"}]},
    "PATCH api_restriction_classes": {"comment": "Changed"},
    "POST api_transports_list": {"key": "new.example", "result": "smtp:[mx.new.example]"},
    "PUT api_transports": {"result": "smtp:[mx.new.example]"},
    "PATCH api_transports": {"comment": "Changed"},
    "POST api_tls_policies_list": {"key": "[mx.new.example]:587", "result": "encrypt"},
    "PUT api_tls_policies": {"result": "encrypt"},
    "PATCH api_tls_policies": {"comment": "Changed"},
    "POST api_sender_relays_list": SENDER_RELAY | {"key": "new@falcot.org"},
    "PUT api_sender_relays": SENDER_RELAY,
    "PATCH api_sender_relays": {"password": "the relay knows us anew"},
    "POST api_bcc_list": {"applies_to": "sender", "key": "new@falcot.org", "result": "b@elsewhere.example"},
    "PUT api_bcc": {"result": "b@elsewhere.example"},
    "PATCH api_bcc": {"comment": "Changed"},
    "POST api_relocated_list": {"key": "new@falcot.org", "result": "somewhere else"},
    "PUT api_relocated": {"result": "somewhere else"},
    "PATCH api_relocated": {"comment": "Changed"},
    "POST api_canonical_list": {"applies_to": "sender", "key": "new@falcot.org", "result": "jean@falcot.org"},
    "PUT api_canonical": {"result": "jean@falcot.org"},
    "PATCH api_canonical": {"comment": "Changed"},
    "POST api_imports": [{"address": "new@falcot.org"}],
    "POST api_changes": {
        "operations": [{"method": "PUT", "noun": "mailboxes", "key": "new@falcot.org", "body": {"name": "New"}}]
    },
}


class Row(NamedTuple):
    """One line of the table."""

    method: str
    name: str
    path: str
    expected: dict[str, int]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def body(self) -> Any:
        return BODIES.get(f"{self.method} {self.name}")


def _read(line: str) -> Row:
    method, name, path, *answers = line.split()
    return Row(method, name, path, dict(zip(CALLERS, map(int, answers), strict=True)))


ROWS = [_read(line) for line in TABLE.splitlines() if line.strip()]
