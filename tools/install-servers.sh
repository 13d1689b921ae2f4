#!/bin/sh
# Install the programs named, of redis, rabbitmq, postgresql, chromium, promtool, buildah and
# debootstrap, that are missing; when none is named: the three servers. Start none of them.
set -eu

has_any() {
    for program; do
        if command -v "$program" >/dev/null; then return 0; fi
    done
    return 1
}

[ $# -gt 0 ] || set -- redis rabbitmq postgresql

packages=
for name; do
    case $name in
    redis) has_any redis-server valkey-server || packages="$packages redis-server" ;;
    rabbitmq)
        has_any rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server ||
            packages="$packages rabbitmq-server"
        ;;
    postgresql)
        has_any postgres /usr/lib/postgresql/*/bin/postgres || packages="$packages postgresql"
        ;;
    chromium)
        has_any chromium chromium-browser google-chrome || packages="$packages chromium"
        ;;
    promtool) has_any promtool || packages="$packages prometheus" ;;
    buildah | debootstrap) has_any "$name" || packages="$packages $name" ;;
    *)
        echo "$0: unknown: $name (known: redis rabbitmq postgresql chromium promtool buildah debootstrap)" >&2
        exit 2
        ;;
    esac
done
[ -n "$packages" ] || exit 0

sudo=
[ "$(id -u)" -eq 0 ] || sudo="sudo -n"
if ! has_any apt-get || ! $sudo true 2>/dev/null; then
    echo "Please install what is missing, on Debian or Ubuntu: apt-get install$packages" >&2
    exit 1
fi

# Debian starts a server once it is installed, unless this program forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap '$sudo rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod +x $policy
fi

install() {
    # shellcheck disable=SC2086 # the packages are separate words
    $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends $packages >/dev/null
}
install 2>/dev/null || {
    $sudo apt-get update -qq
    install
}
