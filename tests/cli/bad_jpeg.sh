#!/usr/bin/env bash
# JPEG and WebP pictures cut short or changed. A changed bit among the coefficients may leave a picture that decodes, so
# what a random change must not do is crash, hang or leave half an output.
. "$TESTS/cli/world.bash" || exit 1
golden=$GOLDEN/images

# pixels CODES: inspect pixels of bad.x ends with one of these exit codes.
pixels() {
    timeout 20 "$NEGBANK" inspect pixels -q --size 32 bad.x -o out.png >out 2>err
    got=$?
    case " $1 " in
        *" $got "*) ;;
        *) die "exit code $got, not one of $1" ;;
    esac
    if [ $got = 0 ]; then
        present out.png
        rm out.png
    else
        refusal out.png
        says "'bad.x'"
    fi
}

for name in 06_64x48_rgb.jpg 08_1x1_rgb.jpg progressive.jpg sub420.jpg 01_225x224_rgb.webp; do
    full=$(bytes_of "$golden/$name")
    for to in 0 1 3 11 20 100 $((full / 3)) $((full / 2)) $((full - 30)); do
        case_ "$name cut to $to bytes"
        head -c "$to" "$golden/$name" >bad.x
        pixels 3
    done
    case_ "$name with another beginning"
    cp "$golden/$name" bad.x
    chmod u+w bad.x
    flip bad.x 0
    pixels 3
    says 'not a JPEG, PNG, WebP, GIF, BMP or TIFF image'
    for i in $(seq 1 50); do
        at=$((i * 977 % full))
        case_ "$name with byte $at changed"
        cp "$golden/$name" bad.x
        flip bad.x $at $((1 << i % 8))
        pixels '0 3'
    done
done

case_ 'a JPEG of no pixels'
cp "$golden/06_64x48_rgb.jpg" bad.x
at=$(LC_ALL=C grep -aobP '\xff\xc0\x00\x11' bad.x | head -1 | cut -d: -f1)
poke bad.x $((at + 5)) '\0\0'
pixels 3
case_ 'a JPEG of four thousand million pixels'
poke bad.x $((at + 5)) '\376\0\376\0'
pixels 3
says '65024 x 65024 pixels'
case_ 'a JPEG of five colours'
poke bad.x $((at + 9)) '\5'
pixels 3

case_ 'damaged photographs among good ones'
mkdir p
cp "$golden/00_224x224_rgb.jpg" p/good.jpg
head -c 5000 "$golden/00_224x224_rgb.jpg" >p/short.jpg
cp "$golden/bad/text.jpg" "$golden/bad/empty.jpg" p
done_ embed images --model w/model -o out.nbe p
says_all 'p/short.jpg' 'p/text.jpg' 'p/empty.jpg' '1 images -> out.nbe; 3 could not be decoded'
[ "$(grep -c '^warning: skipped: ' err)" = 3 ] || die 'there are not three warnings'
finish
