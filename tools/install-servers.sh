#!/bin/sh
# Install the named programs if they are missing: servers of tools/servers/, chromium, promtool,
# buildah and debootstrap. Without a name, install all servers. Do not start any of them.
set -eu

has_any() {
    for program; do
        if command -v "$program" >/dev/null; then return 0; fi
    done
    return 1
}

servers=$(dirname "$0")/servers
[ $# -gt 0 ] || set -- servers

packages=
for name; do
    case $name in
    servers) for file in "$servers"/*.sh; do . "$file"; done ;;
    chromium)
        has_any chromium chromium-browser google-chrome || packages="$packages chromium"
        ;;
    promtool) has_any promtool || packages="$packages prometheus" ;;
    buildah | debootstrap) has_any "$name" || packages="$packages $name" ;;
    *)
        if [ ! -e "$servers/$name.sh" ]; then
            echo "$0: unknown: $name (known: servers chromium promtool buildah debootstrap, and" \
                "$(cd "$servers" && echo *.sh | sed 's/\.sh//g'))" >&2
            exit 2
        fi
        . "$servers/$name.sh"
        ;;
    esac
done
[ -n "$packages" ] || exit 0

sudo=
[ "$(id -u)" -eq 0 ] || sudo="sudo -n"
if ! has_any apt-get || ! $sudo true 2>/dev/null; then
    echo "Packages are missing. On Debian or Ubuntu, run: apt-get install$packages" >&2
    exit 1
fi

# Debian starts a server when it is installed, unless this program forbids it.
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
