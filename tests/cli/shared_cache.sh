#!/usr/bin/env bash
# Folders that others write into: links and other users' files are not written into, and a cache that another user filled
# is read as far as its content verifies.
. "$TESTS/cli/servers.bash" || exit 1
need nginx python3
start_nginx www
S=http://127.0.0.1:$NGINX_PORT
make_key k
run 0 "$NEGBANK" publish "${FAST[@]}" b.nbank "$S/" --sign k
SUM=$(sha256sum <b.nbank | cut -c1-64)
echo victim >victim
cp victim before
unharmed() { same before victim; }
PULL=("$NEGBANK" pull "${FAST[@]}" --cache shared)
fresh() {
    rm -rf shared out.nbank*
    mkdir -p shared
}

case_ 'a part that is a link, a second name, or no file'
for how in 'ln -s ../../victim' 'ln victim' 'mkfifo' 'mkdir'; do
    fresh
    mkdir shared/parts
    case $how in ln*) $how "shared/parts/$SUM.part" ;; *) $how "shared/parts/$SUM.part" ;; esac
    run 4 "${PULL[@]}" "$S/b.nbank" -o out.nbank
    says "$SUM.part' "
    says 'not written into'
    absent out.nbank
    unharmed
done
case_ 'a lock that is a link'
fresh
mkdir shared/locks
ln -s ../../victim "shared/locks/$SUM"
run 4 "${PULL[@]}" "$S/b.nbank" -o out.nbank
unharmed
case_ 'names that are taken by renaming replace a link'
fresh
mkdir shared/banks
ln -s ../../victim "shared/banks/$SUM.nbank"
run 0 "${PULL[@]}" "$S/b.nbank" -o out.nbank
same b.nbank out.nbank
[ -f "shared/banks/$SUM.nbank" ] && [ ! -L "shared/banks/$SUM.nbank" ] || die 'the link is still there'
unharmed
case_ 'the note of an upload'
fresh
run 0 "$NEGBANK" publish "${FAST[@]}" --cache shared b.nbank "$S/up/b.nbank" --part-size 0.0625 --whole-up-to 0 --index none
mkdir -p shared/uploads
note=$(printf '%s %s %s' "$SUM" "$S/up2/b.nbank" 65536 | sha256sum | cut -c1-64)
ln -s ../../victim "shared/uploads/$note"
run 4 "$NEGBANK" publish "${FAST[@]}" --cache shared b.nbank "$S/up2/b.nbank" --part-size 0.0625 --whole-up-to 0 --index none
says 'is a link'
unharmed
case_ 'outputs and what is continued'
fresh
ln -s victim out.nbank.partial
run 0 "${PULL[@]}" "$S/b.nbank" -o out.nbank
same b.nbank out.nbank
unharmed
ln -s victim t2.nbe.partial
run 4 "${NB[@]}" embed text --model w/model --resume -o t2.nbe c.nbc
says 'is a link: it is not written into'
unharmed
mkdir elsewhere
ln -s elsewhere m.partial
run 4 "${PULL[@]}" --model w/model -o m
says "'m.partial' is a link"
[ -z "$(ls elsewhere)" ] || die 'something was written behind the link'

if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
    echo 'not root: other users are not tried'
    finish
    exit
fi
# as_other: as another user, in a folder of that user's.
install -d -o 65534 -g 65534 other
chmod 755 "$T"
cp "$NEGBANK" negbank
as_other=(env -C "$T/other" HOME="$T/other" setpriv --reuid 65534 --regid 65534 --clear-groups --)
theirs() { run "$1" "${as_other[@]}" "$T/negbank" pull "${FAST[@]}" --cache "$T/shared" "${@:2}"; }

case_ 'a cache that another user filled, read only'
fresh
run 0 "${PULL[@]}" "$S/b.nbank" --verify k.pub -o out.nbank
run 0 "${PULL[@]}" b --index "$S/index.json" --verify k.pub -o out2.nbank
chmod -R go-w shared
find shared | sort >listed
theirs 0 "$S/b.nbank" -o one.nbank
says 'is in the cache'
same b.nbank other/one.nbank
theirs 0 "$S/b.nbank" --verify "$T/k.pub" -o two.nbank
theirs 0 "$S/b.nbank" --offline --verify "$T/k.pub" -o three.nbank
theirs 0 b --index "$S/index.json" -o four.nbank
theirs 0 b --index "$S/index.json" --verify "$T/k.pub" --offline -o five.nbank
find shared | sort | cmp -s - listed || die 'the cache was changed'
case_ 'what it lacks cannot be put into it'
cp b.nbank www/c.nbank
theirs 4 "$S/c.nbank" -o six.nbank
says 'cannot be written'
says '--cache DIR'
case_ 'content of another user that does not verify'
fresh
mkdir shared/banks shared/addresses
cp w/labels.txt "shared/banks/$SUM.nbank"
chown -R 65534 shared/banks
run 0 "${PULL[@]}" "$S/b.nbank" -o out.nbank
says 'was damaged and is fetched anew'
same b.nbank out.nbank
case_ 'what another user says of an address'
address=$(printf %s "$S/b.nbank" | sha256sum | cut -c1-64)
chown 65534 "shared/addresses/$address"
rm out.nbank
run 7 "${PULL[@]}" "$S/b.nbank" --offline -o out.nbank
says "is another user's"
absent out.nbank
run 0 "${PULL[@]}" "$S/b.nbank" --offline --sha256 "$SUM" -o out.nbank
case_ "another user's copy of an index, and memory of one"
rm -rf out.nbank
run 0 "${PULL[@]}" b --index "$S/index.json" --verify k.pub -o out.nbank
chown 65534 shared/indexes/* shared/seen/*
run 7 "${PULL[@]}" b --index "$S/index.json" --offline -o out2.nbank --force
says "is another user's"
run 0 "${PULL[@]}" b --index "$S/index.json" --offline --verify k.pub -o out2.nbank --force
for f in shared/seen/*; do
    sed -i 's/"serial": [0-9]*/"serial": 1000/' "$f"
    chown 65534 "$f"
done
run 0 "${PULL[@]}" b --index "$S/index.json" --verify k.pub -o out2.nbank --force
says 'an older index will not be told from this one'
case_ "another user's part"
fresh
mkdir shared/parts
head -c 1000 b.nbank >"shared/parts/$SUM.part"
chown 65534 "shared/parts/$SUM.part"
run 4 "${PULL[@]}" "$S/b.nbank" -o out.nbank
says "belongs to another user: it is not written into"
[ "$(bytes_of "shared/parts/$SUM.part")" = 1000 ] || die 'it was written into'
finish
