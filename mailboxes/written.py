"""Triggers that keep a destination as it is written beside it, so that a lookup reads one row for each destination.

The column `written` is no field: nothing here reads or writes it, the history and an undo need not know it. It is empty
for a whole domain, where each message has its own local part.

A domain never gets another name (its trigger a_domain_is_not_renamed); an address may."""

import pgtrigger

# mail_map.external_form() says the same, but a trigger must also work while the functions for Postfix are not in place.
PLAIN = r"^[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+)*$"
# FOR KEY SHARE: who renames the address at the same moment comes before or after this, and then sees this row.
a_destination_is_written = pgtrigger.Trigger(
    name="a_destination_is_written",
    level=pgtrigger.Row,
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("address_id", "extension", "domain_id", "text"),
    declare=[("full_local_part", "text"), ("within_id", "bigint")],
    func=rf"""
        IF NEW.address_id IS NOT NULL THEN
            SELECT address.local_part || NEW.extension, address.domain_id
            INTO full_local_part, within_id
            FROM public.mailboxes_address AS address
            WHERE address.id = NEW.address_id
            FOR KEY SHARE;
        ELSE
            full_local_part := NEW.text;
            within_id := NEW.domain_id;
        END IF;
        IF within_id IS NULL OR full_local_part = '' THEN
            NEW.written := CASE WHEN starts_with(NEW.text, '@') THEN '' ELSE NEW.text END;
        ELSE
            SELECT CASE
                WHEN full_local_part ~ '{PLAIN}' THEN full_local_part
                ELSE '"' || regexp_replace(full_local_part, '(["\\])', '\\\1', 'g') || '"'
            END || '@' || domain.name
            INTO NEW.written
            FROM public.domains_domain AS domain
            WHERE domain.id = within_id;
        END IF;
        RETURN NEW;
    """,  # noqa: S608  our own words
)

destinations_follow_their_address = pgtrigger.Trigger(
    name="destinations_follow_their_address",
    level=pgtrigger.Row,
    when=pgtrigger.After,
    operation=pgtrigger.UpdateOf("local_part", "domain_id"),
    # Writes the key again: the other trigger does the rest.
    func="""
        UPDATE public.mailboxes_aliasdestination SET address_id = NEW.id WHERE address_id = NEW.id;
        RETURN NULL;
    """,
)
