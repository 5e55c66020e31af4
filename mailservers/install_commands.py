"""The shell script that puts the panel's parameters into the main.cf of a host, and takes out what is unused now."""

import shlex

from lookup_tables.main_cf import all_parameters
from mailservers import submission
from mailservers.main_cf import (
    IS_PROXIED,
    READ_MAPS,
    RECIPIENT_RESTRICTIONS,
    RESTRICTION_CLASSES,
    SIGN_IN,
    has_recipient_list,
    local_recipients,
    map_for,
    parameters_for,
    texthash_for,
)
from mailservers.postfix_host import PostfixHost
from restrictions import access_main_cf as access

# A table of the host's own stays, before ours; `postconf -X` takes out a parameter (postconf(1)).
KEEP_THE_OTHERS = """\
add() {
    has=$(postconf -h "$1")
    case "$has" in *"$2"*) ;; *) postconf -e "$1 = ${has:+$has, }$2" ;; esac
}
take_out() {
    has=$(postconf -h "$1") parameter=$1 ours=$2
    case "$has" in *"$ours"*) ;; *) return ;; esac
    left=$(printf %s "$has" | sed "s|[, ]*$ours||; s|^[, ]*||")
    shift 2
    if [ -n "$left" ]; then postconf -e "$parameter = $left"; else postconf -X "$parameter" "$@"; fi
}
add_class() {
    has=$(postconf -h smtpd_restriction_classes)
    case " $(echo $has | tr , ' ') " in
    *" $1 "*) ;;
    *) postconf -e "smtpd_restriction_classes = ${has:+$has, }$1" ;;
    esac
}
read_maps() {
    others=$(postconf -h proxy_read_maps | sed "s#[, ]*proxy:pgsql:$1/[^ ,]*##g")
    shift
    for one in "$@"; do others="$others, $one"; done
    postconf -e "proxy_read_maps = $others"
}
own_aliases() {
    has=$(postconf -h alias_database)
    case "$has" in *'$alias_maps'*|*'${alias_maps}'*|*'$(alias_maps)'*) ;; *) return ;; esac
    others=$(printf %s "$has" | sed 's|[$][{(]*alias_maps[)}]*[, ]*||g')
    own=$(postconf -h alias_maps | sed "s|[, ]*$1||; s|[\\$][{(]*alias_database[)}]*[, ]*||; s|^[, ]*||")
    postconf -e "alias_database = ${own:-$(postconf -dh alias_database)}${others:+, $others}"
}
configuration() {
    for one in "$(postconf -h config_directory)" $(postconf -xh multi_instance_directories | tr , ' '); do
        cat "$one/main.cf" "$one/master.cf"
    done
}
remove_old_maps() {
    for one in "$1"/*-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].cf "$1"/writers_*.cf; do
        case "$named" in *"$one"*) ;; *) rm -f "$one" ;; esac
    done
}
drop_classes() {
    kept= gone=
    for one in $(postconf -h smtpd_restriction_classes | tr , ' '); do
        case "$one" in
        Writers_*|Senders_*|Signed_in) case " $* " in *" $one "*) ;; *) gone="$gone $one"; continue ;; esac ;;
        esac
        kept="${kept:+$kept, }$one"
    done
    if [ -z "$gone" ]; then return; fi
    postconf -e "smtpd_restriction_classes = $kept"
    postconf -X $gone
}
"""


def commands_for(host: PostfixHost) -> str:
    """A shell script that puts the fragment into main.cf; read it before you run it."""
    commands = [command for name, value in parameters_for(host) for command in _commands_for(name, value, host)]
    return "\n".join(
        [
            "#!/bin/sh",
            "# Puts the parameters of main.cf.mailadmin into main.cf, as root on the mail host.",
            "set -e",
            KEEP_THE_OTHERS + "named=$(configuration)  # processes that have not ended yet still read these maps\n",
            "\n".join([*commands, *_commands_for_what_is_unused(host)]),
            *(submission.commands() if host.with_dovecot else ()),
            "postfix check",
            "postfix reload",
            'named="$named $(configuration)"',
            _command("remove_old_maps", host.directory),
            "",
        ]
    )


def _commands_for(name: str, value: str, host: PostfixHost) -> list[str]:
    if name == RECIPIENT_RESTRICTIONS and not has_recipient_list():
        return [_command_for_list(name, value)]
    if name == RESTRICTION_CLASSES:  # the host's own stay, and are still defined
        return [_command("add_class", one) for one in value.split(", ")]
    if name == "alias_maps":
        return [_command("own_aliases", map_for(name, host)), _command("postconf", "-e", f"{name} = {value}")]
    if name == READ_MAPS:
        return [_command("read_maps", host.directory, *IS_PROXIED.findall(value))]
    if name in (*all_parameters(), SIGN_IN[-1]):
        return [_command("add", name, value)]
    return [_command("postconf", "-e", f"{name} = {value}")]


def _command_for_list(name: str, ours: str) -> str:
    """Puts what is ours before what the host has in the list; once, and from no other directory."""
    without_ours = shlex.quote(
        r"s#check_recipient_access proxy:pgsql:[^ ,]*/suspended_domains\.cf[ ,]*##g; "
        r"s#check_recipient_access proxy:pgsql:[^ ,]*/recipient_classes-[0-9a-f]*\.cf[ ,]*##g; "
        f"s#{submission.ASKS_FOR_ROOM}[ ,]*##g"
    )
    return (
        f"rest=$(postconf -h {name} | sed {without_ours})\n"
        f'postconf -e {shlex.quote(f"{name} = {ours}")}"${{rest:+, $rest}}"'
    )


def _commands_for_what_is_unused(host: PostfixHost) -> list[str]:
    """An empty table needs no parameter: each asks the database several times per message."""
    used = [name for name, _value in parameters_for(host)]
    commands = [_command("take_out", name, map_for(name, host)) for name in all_parameters() if name not in used]
    if "local_recipient_maps" not in used:
        commands.append(_command("take_out", "local_recipient_maps", local_recipients(host)))
    if SIGN_IN[-1] not in used:
        commands.append(_command("take_out", SIGN_IN[-1], texthash_for(host), *SIGN_IN[:-1]))
    commands.append(_command("drop_classes", *access.written_classes()))
    return commands


def _command(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)
