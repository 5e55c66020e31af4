"""The shell script that puts the panel's parameters into the main.cf of a host, and takes out what is unused now."""

import shlex

from lookup_tables.main_cf import all_parameters
from mailservers import submission
from mailservers.main_cf import (
    IS_PROXIED,
    PASSWORDS_OF_RELAYS,
    READ_MAPS,
    SIGN_IN,
    local_recipients,
    map_for,
    parameters_for,
    texthash_for,
)
from mailservers.postfix_host import PostfixHost
from restrictions.catalogue import Stage
from restrictions.main_cf import RECIPIENT_RESTRICTIONS, RESTRICTION_CLASSES

# A table of the host's own stays, before ours. Each function reads main.cf as it was found and only says what is to be
# changed or taken out: all is written at once, so that nobody ever reads a class without its definition, or postconf
# warns about a definition that nothing names yet.
KEEP_THE_OTHERS = r"""
changes= gone=
change() {
    changes="$changes '$(printf %s "$1" | sed "s/'/'\\\\''/g")'"
}
add() {
    has=$(postconf -h "$1")
    case "$has" in *"$2"*) ;; *) change "$1 = ${has:+$has, }$2" ;; esac
}
take_out() {
    has=$(postconf -h "$1") parameter=$1 ours=$2
    case "$has" in *"$ours"*) ;; *) return ;; esac
    left=$(printf %s "$has" | sed "s|[, ]*$ours||; s|^[, ]*||")
    shift 2
    if [ -n "$left" ]; then change "$parameter = $left"; else gone="$gone $parameter $*"; fi
}
classes() {
    has=$(postconf -h smtpd_restriction_classes | tr , ' ') wanted=
    for one in $has "$@"; do
        case " $wanted " in *" $one, "*|*" $one "*) continue ;; esac
        case "$one" in
        Writers_*|Senders_*|Signed_in) case " $* " in *" $one "*) ;; *) gone="$gone $one"; continue ;; esac ;;
        esac
        wanted="${wanted:+$wanted, }$one"
    done
    if [ "$wanted" != "$(echo $has | sed 's/ /, /g')" ]; then change "smtpd_restriction_classes = $wanted"; fi
}
read_maps() {
    others=$(postconf -h proxy_read_maps | sed "s#[, ]*proxy:pgsql:$1/[^ ,]*##g")
    shift
    for one in "$@"; do others="$others, $one"; done
    change "proxy_read_maps = $others"
}
discarded() {
    has=$(postconf -h "$1" | tr ',\t' '  ') others=
    for one in $has; do
        case "$one" in [sS][mM][tT][pP][uU][tT][fF]8) ;; *) others="${others:+$others, }$one" ;; esac
    done
    change "$1 = ${others:+$others, }$3"
    change "$2 = $others"
}
own_aliases() {
    has=$(postconf -h alias_database)
    case "$has" in *'$alias_maps'*|*'${alias_maps}'*|*'$(alias_maps)'*) ;; *) return ;; esac
    others=$(printf %s "$has" | sed 's|[$][{(]*alias_maps[)}]*[, ]*||g')
    own=$(postconf -h alias_maps | sed "s|[, ]*$1||; s|[\$][{(]*alias_database[)}]*[, ]*||; s|^[, ]*||")
    change "alias_database = ${own:-$(postconf -dh alias_database)}${others:+, $others}"
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
""".lstrip()


def commands_for(host: PostfixHost) -> str:
    """A shell script that puts the fragment into main.cf; read it before you run it."""
    parameters = parameters_for(host)
    beside = [command for name, value in parameters if (command := _beside_what_is_there(name, value, host))]
    ours = [f"{name} = {value}" for name, value in parameters if not _is_beside_what_is_there(name, host)]
    return "\n".join(
        [
            "#!/bin/sh",
            "# Puts the parameters of main.cf.mailadmin into main.cf, as root on the mail host.",
            "set -e",
            KEEP_THE_OTHERS + "named=$(configuration)  # processes that have not ended yet still read these maps\n",
            "\n".join([*beside, *_commands_for_what_is_unused(host)]),
            'eval "set -- $changes"',
            " \\\n    ".join(['postconf -e "$@"', *map(shlex.quote, ours)]),
            'if [ -n "$gone" ]; then postconf -X $gone; fi',
            *(submission.commands() if host.with_dovecot else ()),
            "postfix check",
            "postfix reload",
            'named="$named $(configuration)"',
            _command("remove_old_maps", host.directory),
            "",
        ]
    )


def _is_beside_what_is_there(name: str, host: PostfixHost) -> bool:
    """Whether the host may have something of its own there, which stays."""
    if name == RECIPIENT_RESTRICTIONS:
        return Stage.RECIPIENT not in host.lists.stages
    discarded = (submission.DISCARDED, submission.DISCARDED_AT_SUBMISSION)
    return name in (RESTRICTION_CLASSES, READ_MAPS, PASSWORDS_OF_RELAYS, *discarded, *all_parameters())


def _beside_what_is_there(name: str, value: str, host: PostfixHost) -> str:
    """What reads main.cf before it is written; empty where nothing has to."""
    if name == "alias_maps":
        return _command("own_aliases", map_for(name, host))
    if not _is_beside_what_is_there(name, host) or name == RESTRICTION_CLASSES:  # at the end, also if there are none
        return ""
    if name == RECIPIENT_RESTRICTIONS:
        return _command_for_list(name, value)
    if name == submission.DISCARDED:
        return _command("discarded", name, submission.DISCARDED_AT_SUBMISSION, value)
    if name == submission.DISCARDED_AT_SUBMISSION:
        return ""  # said together with the other
    if name == READ_MAPS:
        return _command("read_maps", host.directory, *IS_PROXIED.findall(value))
    return _command("add", name, value)


def _command_for_list(name: str, ours: str) -> str:
    """Puts what is ours before what the host has in the list; once, and from no other directory."""
    without_ours = shlex.quote(
        r"s#check_recipient_access proxy:pgsql:[^ ,]*/suspended_domains\.cf[ ,]*##g; "
        r"s#check_recipient_access proxy:pgsql:[^ ,]*/recipient_classes-[0-9a-f]*\.cf[ ,]*##g; "
        f"s#{submission.ASKS_FOR_ROOM}[ ,]*##g"
    )
    return (
        f'rest=$(postconf -h {name} | sed {without_ours})\nchange {shlex.quote(f"{name} = {ours}")}"${{rest:+, $rest}}"'
    )


def _commands_for_what_is_unused(host: PostfixHost) -> list[str]:
    """An empty table needs no parameter: each asks the database several times per message."""
    used = dict(parameters_for(host))
    commands = [_command("take_out", name, map_for(name, host)) for name in all_parameters() if name not in used]
    if "local_recipient_maps" not in used:
        commands.append(_command("take_out", "local_recipient_maps", local_recipients(host)))
    if PASSWORDS_OF_RELAYS not in used:
        commands.append(_command("take_out", PASSWORDS_OF_RELAYS, texthash_for(host), *SIGN_IN))
    commands.append(_command("classes", *filter(None, used.get(RESTRICTION_CLASSES, "").split(", "))))
    return commands


def _command(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)
