#!/usr/bin/env bash
# Tar shards: the same embeddings as from files, labels, patterns, what is left out, what is refused; limits on images.
. "$TESTS/cli/world.bash" || exit 1
command -v zstd >/dev/null && command -v tar >/dev/null || {
    echo 'skipped: tar or zstd is absent'
    exit 77
}
embed=(embed images --model w/model -o out.nbe --force)
cp -r w/images/wild files

# rows FILE.npy ARGUMENTS...: the embeddings of these inputs.
rows() {
    done_ "${embed[@]}" -q "${@:2}"
    done_ store export -q --force out.nbe --embeddings "$1" --names names.txt --labels labels.npy
}

case_ 'plain and compressed shards hold what the folder holds'
(cd files && tar cf ../a.tar --sort=name ./*)
(cd files && tar cf ../pax.tar --format=pax --sort=name .)
gzip -k a.tar
zstd -q a.tar
cp a.tar.gz named.tar # the content decides
rows want.npy files
for shard in a.tar pax.tar a.tar.gz a.tar.zst named.tar; do
    for threads in 0 1 3; do
        rows got.npy "$shard" --decode-threads $threads
        same want.npy got.npy
        [ "$(head -1 names.txt)" = "$shard/000.png" ] || die "the first name is $(head -1 names.txt)"
    done
done

case_ 'patterns, several shards, shards beside files'
mkdir parts
for i in 0 1 2; do (cd files && tar cf ../parts/p$i.tar --sort=name 0${i}[0-4].png); done
rows all.npy parts/p0.tar parts/p1.tar parts/p2.tar
rows got.npy 'parts/p*.tar'
same all.npy got.npy
rows got.npy 'parts/p{0,1,2}.tar'
same all.npy got.npy
rows got.npy files/000.png a.tar.zst 'parts/*'
[ "$(wc -l <names.txt)" = 116 ] || die "$(wc -l <names.txt) names"
refused 3 - "${embed[@]}" 'parts/q*.tar'
says "nothing matches 'parts/q*.tar'"

case_ 'scoring from shards'
make_stores
done_ score -q --bank b.nbank --model w/model files --labels-from none -o files.tsv
done_ score -q --bank b.nbank --model w/model a.tar -o shard.tsv
[ "$(grep -v '^#' files.tsv | cut -f2-)" = "$(grep -v '^#' shard.tsv | cut -f2-)" ] || die 'other scores'

case_ 'labels beside the images'
mkdir sample
for i in 00 01 02 03; do
    cp files/0$i.png sample/$i.png
    echo $((10#$i * 2)) >sample/$i.cls
    sed -n "$((4 - 10#$i))p" w/labels.txt >sample/$i.txt
    echo "{\"label\": \"red circle\", \"number\": $((10#$i + 5))}" >sample/$i.json
done
rm sample/02.cls
(cd sample && tar cf ../labelled.tar --sort=name ./*)
# labels WANT ARGUMENTS...: the labels, as the score file shows them.
labels() {
    done_ "${embed[@]}" -q labelled.tar "${@:2}"
    done_ score -q --force --bank b.nbank --images out.nbe -o out.tsv
    got=$(grep -v '^#' out.tsv | tail -n +2 | cut -f2 | tr '\n' ' ')
    [ "$got" = "$1 " ] || die "labels '$got' instead of '$1 '"
}
labels '0 2 -1 6'
labels '0 2 -1 6' --labels-from cls
labels '3 2 1 0' --labels-from txt
labels '5 6 7 8' --labels-from json --label-key number
labels '0 0 0 0' --labels-from json
labels '-1 -1 -1 -1' --labels-from none
refused 3 - "${embed[@]}" labelled.tar --labels-from json --label-key nothing
says 'no image has one'
refused 2 - "${embed[@]}" labelled.tar w/images/id-test
says 'two of these'

case_ 'what a hostile shard holds is left out with a word'
mkdir h
cp files/000.png h/good.png
cp files/001.png outside.png
ln -s /etc/passwd h/link.png
truncate -s 5M h/sparse.png
cp files/002.png "h/$(printf 'bad\nname.png')"
(cd h && tar cPf ../hostile.tar --sparse --format=gnu ./* ../outside.png "$T/outside.png" 2>/dev/null)
run 0 "${NB[@]}" "${embed[@]}" hostile.tar
says_all 'unsafe or unreadable names: 3 images' 'links or devices: 1 images' 'sparse members: 1 images' \
    "left out of 'hostile.tar': link.png" '1 images -> out.nbe; 0 could not be decoded'

case_ 'what stands twice, and what is not read, is counted'
mkdir odd
cp files/000.png odd/a.png
cp files/001.png odd/b.jfif
cp files/002.png odd/c.heic
cp files/002.png "odd/$(printf 'caf\351').png"
ln -s nowhere odd/link.png
run 0 "${NB[@]}" "${embed[@]}" odd
says_all "left out of 'odd': caf?.png: unsafe or unreadable names" 'links to nothing: 1 images' \
    '.heic files are not read (JPEG, PNG, WebP, GIF, BMP and TIFF are): 1' '2 images -> out.nbe; 0 could not be decoded'
run 0 "${NB[@]}" score -q --bank b.nbank --model w/model odd --labels-from none -o odd.tsv
says '.heic files are not read'
tar cf odd.tar -C odd a.png c.heic
cp files/003.png odd/a.png
tar rf odd.tar -C odd a.png
run 0 "${NB[@]}" "${embed[@]}" odd.tar
says_all 'members that stand again behind them: 1 images' '.heic files are not read' '1 images -> out.nbe'
cp out.nbe twice.nbe
run 0 "${NB[@]}" "${embed[@]}" files/003.png
for store in twice out; do
    done_ store export -q --force $store.nbe --embeddings $store.npy
done
same_bytes twice.npy out.npy || die 'the last member is not the one that counts'

case_ 'a zstd window that libarchive does not take'
tar cf small.tar -C odd a.png
small=$(bytes_of small.tar)
[ "$small" -le 131072 ] || die "the tar has $small bytes"
block=$((small * 8 + 1)) # one raw block, the last, in a frame with a window of 2 GiB
# shellcheck disable=SC2059
printf "\\x28\\xb5\\x2f\\xfd\\x00\\xa8$(printf '\\x%02x\\x%02x\\x%02x' $((block & 255)) $((block >> 8 & 255)) $((block >> 16)))" >long.tar.zst
cat small.tar >>long.tar.zst
zstd -dc --long=31 -q long.tar.zst | cmp - small.tar || die 'the frame is not whole'
refused 3 - "${embed[@]}" long.tar.zst
says_all 'a zstd window of more than 128 MiB' '--long=31'

case_ 'shards cut short, damaged, empty, without images'
size=$(bytes_of a.tar)
for to in 100 600 20000 $((size / 2)); do
    head -c $to a.tar >bad.tar
    refused 3 - "${embed[@]}" files bad.tar
    says_all "'bad.tar'" 'cut short'
done
for kind in gz zst; do
    head -c $(($(bytes_of a.tar.$kind) / 2)) a.tar.$kind >bad.tar.$kind
    refused 3 - "${embed[@]}" bad.tar.$kind
    says_all "'bad.tar.$kind'" 'runcated'
done
: >bad.tar
refused 3 - "${embed[@]}" bad.tar
says "'bad.tar' is empty"
head -c 5000 /dev/urandom >bad.tar
refused 3 - "${embed[@]}" bad.tar
tar cf bad.tar -C w labels.txt
refused 3 - "${embed[@]}" bad.tar
says "shard 'bad.tar' holds no images"
refused 3 - "${embed[@]}" absent.tar
says "'absent.tar'"

case_ 'images that cannot be decoded are counted by reason'
mkdir mixed
cp files/00[0-4].png mixed
head -c 200 files/005.png >mixed/short.png
: >mixed/empty.jpg
echo text >mixed/text.webp
head -c 50000 /dev/zero >mixed/long.png
(cd mixed && tar cf ../mixed.tar --sort=name ./*)
for input in mixed mixed.tar; do
    run 0 "${NB[@]}" "${embed[@]}" --max-image-bytes 40000 $input
    says_all '1 empty' '1 damaged or cut short' '1 text instead of an image' '5 images -> out.nbe'
    if [ $input = mixed ]; then
        says '4 of 9 images are left out'
        says '1 over the limit of bytes'
    else
        says 'over the limit of bytes: 1 images'
    fi
done

case_ 'the limit of pixels'
run 3 "${NB[@]}" "${embed[@]}" --max-pixels 1000 files
says_all 'none of 100 images can be decoded' '100 over the limit of pixels' 'at most 1000 in all are accepted'
refused 2 - "${embed[@]}" --max-pixels 0 files
refused 2 - "${embed[@]}" --max-image-bytes 99999999999 files
refused 2 - "${embed[@]}" --decode-threads 65 files
refused 2 - "${embed[@]}" --sharing maybe files

case_ 'many bad images: the log names a hundred'
mkdir many
for i in $(seq 1000 1129); do : >many/$i.png; done
cp files/000.png many
run 0 "${NB[@]}" "${embed[@]}" many
[ "$(grep -c '^warning: skipped: ' err)" = 100 ] || die 'there are not a hundred warnings'
says_all '130 of 131 images are left out: 130 empty' 'the first are named above' "many/1000.png'" "many/1099.png'"
finish
