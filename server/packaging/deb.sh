#!/usr/bin/env bash
# Puts the release build into a Debian package, with nothing but dpkg-deb: there is one executable and a few texts to
# put in, and what builds it need not be installed first. The same commit gives the same package.
#
#   server/packaging/deb.sh [EXECUTABLE]      prints the package's path
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target="${CARGO_TARGET_DIR:-$root/target}"
program="${1:-$target/release/louan}"

[ -x "$program" ] || { echo "there is no executable $program; make deb builds it" >&2; exit 1; }
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
architecture=$(dpkg --print-architecture)
# The executable asks for no newer symbols than this machine's library has.
libc=$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)
SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct)
export SOURCE_DATE_EPOCH

package="$target/deb/louan_${version}_${architecture}.deb"
tree="$target/deb/tree"
rm -rf "$tree"
install -d "$tree/DEBIAN" "$tree/usr/bin" "$tree/usr/lib/systemd/system" "$tree/etc/louan" "$tree/usr/share/doc/louan"
install -m 0755 "$program" "$tree/usr/bin/louan"
strip --strip-unneeded "$tree/usr/bin/louan"
install -m 0644 "$here/louan.service" "$tree/usr/lib/systemd/system/louan.service"
install -m 0644 "$here/config.toml" "$tree/etc/louan/config.toml"
install -m 0644 "$root"/server/docs/*.md "$tree/usr/share/doc/louan/"
install -m 0644 "$root/LICENSE" "$tree/usr/share/doc/louan/copyright"
gzip -9 -n -c "$root/CHANGELOG.md" >"$tree/usr/share/doc/louan/changelog.gz"
chmod 0644 "$tree/usr/share/doc/louan/changelog.gz"
install -m 0755 "$here/postinst" "$here/prerm" "$here/postrm" "$tree/DEBIAN/"
echo /etc/louan/config.toml >"$tree/DEBIAN/conffiles"
size=$(du -sk --exclude=DEBIAN "$tree" | cut -f1)
cat >"$tree/DEBIAN/control" <<CONTROL
Package: louan
Version: $version
Architecture: $architecture
Maintainer: Louan maintainers <maintainers@louan.invalid>
Section: web
Priority: optional
Installed-Size: $size
Depends: libc6 (>= $libc), libgcc-s1, passwd
Recommends: systemd
Description: server for high-rise fire remediation, offline first
 Phones inspect high-rise buildings without signal; this server takes in what
 they saved, keeps the hazard ledger and the month's figures, and holds the
 office's rulings. One executable, one database file.
CONTROL
(cd "$tree" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --build "$tree" "$package" >/dev/null
rm -rf "$tree"
echo "$package"
