#!/usr/bin/env bash
# publish and pull against nginx with DAV: addresses, names, signatures, keys, cache, card, index, checkpoints.
. "$TESTS/cli/servers.bash" || exit 1
need nginx python3 minisign
start_nginx www
S=http://127.0.0.1:$NGINX_PORT
PUBLISH=("$NEGBANK" publish "${FAST[@]}")
PULL=("$NEGBANK" pull "${FAST[@]}")

# ---- without signatures ----

case_ 'publish into a folder'
run 0 "${PUBLISH[@]}" b.nbank "$S/banks/"
present www/banks/b.nbank www/banks/b.nbank.sha256 www/banks/b.nbank.md www/banks/index.json
absent www/banks/b.nbank.minisig www/banks/index.json.lock
same b.nbank www/banks/b.nbank
(cd www/banks && sha256sum -c --quiet b.nbank.sha256) || die 'sha256sum does not take the digest'
case_ 'publish the same again changes nothing'
cp www/banks/index.json before.json
run 0 "${PUBLISH[@]}" b.nbank "$S/banks/"
says 'is there already'
python3 - before.json www/banks/index.json <<'PY' || die 'the index has the bank twice, or lost a serial'
import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:])
assert len(a["banks"]) == len(b["banks"]) == 1 and b["serial"] >= a["serial"] and b["banks"][0]["sha256"] == a["banks"][0]["sha256"]
PY
case_ 'another bank does not replace one'
done_ mine -q --texts t.nbe --labels w/labels.txt --model w/model --criterion random --count 20 -o other.nbank
run 2 "${PUBLISH[@]}" other.nbank "$S/banks/b.nbank"
says 'is another bank already'
same b.nbank www/banks/b.nbank
run 2 "${PUBLISH[@]}" other.nbank "$S/banks/c.nbank" --name b
says "another bank 'b' of version '1'"
run 0 "${PUBLISH[@]}" other.nbank "$S/banks/c.nbank" --name b --version 2
case_ 'pull by address'
run 0 "${PULL[@]}" "$S/banks/b.nbank" -o got.nbank
same b.nbank got.nbank
run 2 "${PULL[@]}" "$S/banks/b.nbank" -o got.nbank
says "output 'got.nbank' exists"
case_ 'pull by name takes the newest, by version that one'
run 0 "${PULL[@]}" b --index "$S/banks/index.json" -o newest.nbank
same other.nbank newest.nbank
run 0 "${PULL[@]}" b@1 --index "$S/banks/index.json" -o first.nbank
same b.nbank first.nbank
run 2 "${PULL[@]}" b@3 --index "$S/banks/index.json" -o out.nbank
says "no bank 'b' of version 3"
absent out.nbank
case_ 'without -o the path in the cache is printed'
run 0 "${PULL[@]}" b@1 --index "$S/banks/index.json" -q
same b.nbank "$(cat out)"
case_ 'offline, from the cache'
run 0 "${PULL[@]}" "$S/banks/b.nbank" --offline -o offline.nbank
same b.nbank offline.nbank
run 0 "${PULL[@]}" b --index "$S/banks/index.json" --offline -o offline2.nbank
same other.nbank offline2.nbank
run 8 "${PULL[@]}" "$S/banks/d.nbank" --offline -o out.nbank
says 'is not in the cache'
run 8 "${PULL[@]}" b --index "$S/elsewhere/index.json" --offline -o out.nbank
absent out.nbank
echo text >text
case_ 'a digest that is asked for'
run 7 "${PULL[@]}" "$S/banks/b.nbank" --sha256 "$(sha256sum <text | cut -c1-64)" -o out.nbank
absent out.nbank out.nbank.partial
run 0 "${PULL[@]}" "$S/banks/b.nbank" --sha256 "$(sha256sum <b.nbank | cut -c1-64)" -o out1.nbank
case_ 'a bank damaged in the cache is fetched anew'
flip "$(ls cache/negbank/banks/"$(sha256sum <b.nbank | cut -c1-64)".nbank)" 900
run 0 "${PULL[@]}" "$S/banks/b.nbank" -o again.nbank
says 'was damaged'
same b.nbank again.nbank
case_ 'what is no bank'
cp w/labels.txt www/banks/labels.nbank
run 3 "${PULL[@]}" "$S/banks/labels.nbank" -o out.nbank
absent out.nbank
run 8 "${PULL[@]}" "$S/banks/missing.nbank" -o out.nbank
says 'answered 404'

# ---- signatures ----

case_ 'keys: minisign reads ours'
make_key ours
ours=$PUBLIC
[ "$(stat -c %a ours)" = 600 ] || die 'the secret key can be read by others'
echo text >text
minisign -S -s ours -m text -x by-minisign.minisig -t x >/dev/null </dev/null || die 'minisign does not sign with our key'
minisign -V -q -P "$ours" -m text -x by-minisign.minisig || die 'its signature does not fit our public half'
minisign -V -q -p ours.pub -m text -x by-minisign.minisig || die 'minisign does not read our public file'
case_ 'keys: ours reads those of minisign'
minisign -G -W -p theirs.pub -s theirs >/dev/null 2>&1 </dev/null || die 'minisign makes no key'
run 0 "$NEGBANK" key show theirs
prints "$(tail -1 theirs.pub)"
run 0 "$NEGBANK" key show theirs.pub
prints "$(tail -1 theirs.pub)"
run 0 "${PUBLISH[@]}" b.nbank "$S/theirs/" --sign theirs
minisign -V -q -p theirs.pub -m www/theirs/b.nbank || die 'minisign -V refuses'
case_ 'keys with a password, in both directions'
export NEGBANK_KEY_PASSWORD='correct horse'
run 0 "$NEGBANK" key new -o locked --strength interactive -q
cp out locked.public
echo "$NEGBANK_KEY_PASSWORD" | minisign -S -s locked -m text -x l.minisig -t x >/dev/null 2>&1 || die 'minisign does not open our locked key'
minisign -V -q -p locked.pub -m text -x l.minisig || die 'the signature does not fit'
run 0 "$NEGBANK" key show locked
prints "$(cat locked.public)"
prints 'with a password'
NEGBANK_KEY_PASSWORD=wrong run 7 "$NEGBANK" key show locked
says "wrong password for key 'locked'"
unset NEGBANK_KEY_PASSWORD
run 2 setsid "$NEGBANK" key show locked
says 'no terminal'
says 'NEGBANK_KEY_PASSWORD'
echo 'correct horse' >password
run 0 "$NEGBANK" key show locked --password-file password
if [ "$(awk '/MemAvailable/ {print int($2 / 1048576)}' /proc/meminfo)" -ge 3 ]; then
    case_ 'a key that minisign locked'
    printf 'pw\npw\n' | minisign -G -p strong.pub -s strong >/dev/null 2>&1 || die 'minisign makes no key'
    NEGBANK_KEY_PASSWORD=pw run 0 "$NEGBANK" key show strong
    prints "$(tail -1 strong.pub)"
fi
case_ 'a password from a terminal, which does not show it'
cat >terminal.py <<'PY'
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
said = b""
for answer in sys.argv[1].split(","):
    while not said.rstrip().endswith(b":"):
        said += os.read(fd, 1000)
    time.sleep(0.2)  # echo goes off behind the prompt
    os.write(fd, answer.encode() + b"\n")
    said += b"|"
try:
    while more := os.read(fd, 1000):
        said += more
except OSError:
    pass
print(said.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
run 0 python3 terminal.py typed-in,typed-in "$NEGBANK" key new -o tty --strength interactive
prints 'password for the new key:'
! grep -q typed-in out || die 'the terminal shows the password'
NEGBANK_KEY_PASSWORD=typed-in run 0 "$NEGBANK" key show tty
run 0 python3 terminal.py typed-in "$NEGBANK" key show tty
run 2 python3 terminal.py one,two "$NEGBANK" key new -o tty2 --strength interactive
prints 'the two passwords differ'
absent tty2
case_ 'key files that are none'
run 3 "$NEGBANK" key show w/labels.txt
run 3 "$NEGBANK" key show nowhere
sed '2s/^..../AAAA/' ours >broken
run 3 "$NEGBANK" key show broken
run 2 "$NEGBANK" key new -o ours --no-encryption
says "output 'ours' exists"

case_ 'a signed bank: minisign accepts it'
run 0 "${PUBLISH[@]}" b.nbank "$S/signed/" --sign ours
minisign -V -q -P "$ours" -m www/signed/b.nbank || die 'minisign -V refuses'
sed 2d www/signed/index.json >index.payload
python3 -c 'import json; print(json.load(open("www/signed/index.json"))["signature"], end="")' >index.minisig
minisign -V -q -P "$ours" -m index.payload -x index.minisig || die 'minisign -V refuses the index'
run 0 "${PULL[@]}" "$S/signed/b.nbank" --verify "$ours" -o s1.nbank
run 0 "${PULL[@]}" "$S/signed/b.nbank" --verify ours.pub -o s2.nbank
run 0 "${PULL[@]}" b --index "$S/signed/index.json" --verify ours.pub -o s3.nbank
run 0 "${PULL[@]}" b --index "$S/signed/index.json" --verify theirs.pub --verify ours.pub --offline -o s4.nbank
case_ "ours accepts minisign's signatures, both kinds"
rm www/signed/b.nbank.minisig
minisign -S -s ours -m www/signed/b.nbank >/dev/null </dev/null
run 0 "${PULL[@]}" "$S/signed/b.nbank" --verify "$ours" -o s5.nbank
minisign -S -l -s ours -m www/signed/b.nbank >/dev/null </dev/null
run 0 "${PULL[@]}" "$S/signed/b.nbank" --verify "$ours" -o s6.nbank
case_ 'a signature by nobody we trust, none, or a changed one'
rm -rf cache
run 7 "${PULL[@]}" "$S/signed/b.nbank" --verify theirs.pub -o out.nbank
says 'not among the keys to trust'
sed -i '3s/timestamp/timestomp/' www/signed/b.nbank.minisig
run 7 "${PULL[@]}" "$S/signed/b.nbank" --verify ours.pub -o out.nbank
says 'trusted comment changed'
run 7 "${PULL[@]}" "$S/banks/b.nbank" --verify ours.pub -o out.nbank
says 'is not signed'
run 7 "${PULL[@]}" b --index "$S/banks/index.json" --verify ours.pub -o out.nbank
absent out.nbank out.nbank.partial
[ -z "$(ls cache/negbank/banks 2>/dev/null)" ] || die 'something unverified has its name in the cache'
case_ 'a signed index is changed with a signature only'
run 2 "${PUBLISH[@]}" other.nbank "$S/signed/other.nbank"
says 'is signed'
run 7 "${PUBLISH[@]}" other.nbank "$S/signed/other.nbank" --sign theirs
run 0 "${PUBLISH[@]}" other.nbank "$S/signed/other.nbank" --sign theirs --verify ours.pub
run 0 "${PULL[@]}" other --index "$S/signed/index.json" --verify theirs.pub -o other1.nbank
case_ 'an index that was tampered with, or rolled back'
cp www/signed/index.json good.json
edit www/signed/index.json '"negatives": 20' '"negatives": 21'
run 7 "${PULL[@]}" other --index "$S/signed/index.json" --verify theirs.pub -o out.nbank
says 'is not what key'
run 0 "${PUBLISH[@]}" b.nbank "$S/signed/b3.nbank" --sign ours --verify theirs.pub --index "$S/signed/copy/index.json"
cp good.json www/signed/index.json
run 0 "${PUBLISH[@]}" b.nbank "$S/signed/b3.nbank" --name b3 --sign ours --verify theirs.pub --force
cp good.json www/signed/index.json
run 7 "${PULL[@]}" other --index "$S/signed/index.json" --verify theirs.pub -o out.nbank
says 'is older than what was seen'
run 7 "${PUBLISH[@]}" b.nbank "$S/signed/b4.nbank" --name b4 --sign ours --verify theirs.pub
absent out.nbank

# ---- card and index ----

case_ 'the card'
run 0 "$NEGBANK" score -q --bank b.nbank --images s.nbe -o id.tsv
run 0 "$NEGBANK" eval -q --id id.tsv --ood 'a|b <i>=id.tsv' -o m.json
run 0 "${PUBLISH[@]}" b.nbank "$S/card/" --sign ours --metrics m.json --corpus 'demo <words>' --licence CC0-1.0 --cite 'Nobody [2026]' --version 1.2
for word in 'demo \<words\>' 'CC0-1.0' 'Nobody \[2026\]' "$(sha256sum <b.nbank | cut -c1-64)" '| a\|b \<i\> | 50.00 |' \
    'negbank pull' "$ours" 'red circle' '| criterion | dnm |'; do
    grep -qF -- "$word" www/card/b.nbank.md || die "the card does not say '$word'"
done
sed -n '/^## Use/,/^## Cite/s/^    //p' www/card/b.nbank.md >use.sh
[ "$(wc -l <use.sh)" = 5 ] || die 'the use is not in five lines'
mkdir use
(cd use && PATH=$(dirname "$NEGBANK"):$PATH bash -c "$(head -2 ../use.sh)") >out 2>err || die 'its first two lines do not run'
same b.nbank use/b.nbank
python3 - www/card/index.json <<'PY' || die 'the entry lacks something'
import json, sys
e = json.load(open(sys.argv[1]))["banks"][0]
assert e["version"] == "1.2" and e["licence"] == "CC0-1.0" and e["quality"]["auroc"] == 0.5 and len(e["labels"]) == e["label_count"] == 10 and e["negatives"] == 50 and e["criterion"] == "dnm"
PY
python3 - <<'PY'
import json
m = json.load(open("m.json"))
m["intervals"] = {"mean": {"auroc": [0.45, 0.55]}, "datasets": {"a|b <i>": {"auroc": [0.4123, 0.6]}}}
json.dump(m, open("m2.json", "w"))
PY
run 0 "${PUBLISH[@]}" b.nbank "$S/card3/it's.nbank" --name its --metrics m2.json
for word in '50.00 [41.23, 60.00]' '| mean | 50.00 [45.00, 55.00]' "-o 'it'\\''s.nbank'"; do
    grep -qF -- "$word" "www/card3/it's.nbank.md" || die "the card does not say '$word'"
done
run 3 "${PUBLISH[@]}" b.nbank "$S/card2/" --metrics w/labels.txt
run 2 "${PUBLISH[@]}" b.nbank "$S/card2/" --name 'a/b'
run 3 "${PUBLISH[@]}" w/labels.txt "$S/card2/"
run 2 "${PUBLISH[@]}" b.nbank "ftp://127.0.0.1/x"
run 2 "${PUBLISH[@]}" b.nbank
absent www/card2

case_ 'through a proxy'
NO_PROXY='' no_proxy='' http_proxy=http://127.0.0.1:$NGINX_PORT run 0 "${PULL[@]}" http://nowhere.invalid/card/b.nbank -o proxied.nbank
same b.nbank proxied.nbank

case_ 'no secret in what is said'
run 8 "${PUBLISH[@]}" b.nbank "http://user:hunter2@127.0.0.1:1/x.nbank?sig=hunter2" --retries 1
! grep -q hunter2 err out || die 'the password is in the log'
NEGBANK_HTTP_TOKEN=hunter2 run 8 "${PULL[@]}" http://127.0.0.1:1/x.nbank --retries 1
! grep -q hunter2 err out || die 'the token is in the log'

# ---- checkpoints ----

case_ 'a checkpoint from a server'
cp -r w/model www/model
run 0 "${PULL[@]}" --model "$S/model" -o m1
for f in config.json model.safetensors vocab.json merges.txt preprocessor_config.json; do
    [ ! -e "w/model/$f" ] || same "w/model/$f" "m1/$f"
done
(cd m1 && sha256sum -c --quiet SHA256SUMS) || die 'SHA256SUMS does not hold'
absent m1.partial
run 2 "${PULL[@]}" --model "$S/model" -o m1
case_ 'a checkpoint from a folder'
run 0 "${PULL[@]}" --model w/model -o m2
diff -r m1 m2 >/dev/null || die 'they differ'
case_ 'a checkpoint with digests, signed; tampered with'
(cd www/model && sha256sum -- *.json *.txt *.safetensors >SHA256SUMS && minisign -S -s ../../ours -m SHA256SUMS >/dev/null </dev/null)
run 0 "${PULL[@]}" --model "$S/model/" -o m3 --verify ours.pub
run 7 "${PULL[@]}" --model "$S/model/" -o m4 --verify theirs.pub
flip www/model/model.safetensors 5000
run 7 "${PULL[@]}" --model "$S/model/" -o m4
says 'it should be'
absent m4 m4.partial/model.safetensors
case_ 'a pickle of torch, whole and in shards; a half configuration file is no checkpoint'
mkdir www/bin www/shards
cp "$GOLDEN"/tiny-quickgelu/{config.json,preprocessor_config.json,vocab.json,merges.txt} www/bin
cp www/bin/* www/shards
python3 "$TESTS/support/weights/torch_file.py" "$GOLDEN" pytorch_model.bin www/bin/pytorch_model.bin
run 0 "${PULL[@]}" --model "$S/bin/" -o bin
same www/bin/pytorch_model.bin bin/pytorch_model.bin
run 0 "$NEGBANK" check --model bin
for i in 1 2; do
    python3 "$TESTS/support/weights/torch_file.py" "$GOLDEN" "pytorch_model-0000$i-of-00002.bin" "www/shards/pytorch_model-0000$i-of-00002.bin"
done
run 8 "${PULL[@]}" --model "$S/shards/" -o shards
says 'has no weights'
cp "$GOLDEN/torch/pytorch_model.bin.index.json" www/shards
run 0 "${PULL[@]}" --model "$S/shards/" -o shards
run 0 "$NEGBANK" check --model shards
flip www/bin/pytorch_model.bin 500000
run 3 "${PULL[@]}" --model "$S/bin/" -o bin2
says 'what came is no checkpoint that can be read'
absent bin2
case_ "a repository of timm: open_clip's pair beside another model's"
mkdir www/timm
cp www/bin/{vocab.json,merges.txt} www/timm
echo '{"architecture": "vit_base_patch32_clip_224", "num_classes": 512}' >www/timm/config.json
echo 'not a CLIP' >www/timm/model.safetensors
cat >www/timm/open_clip_config.json <<'JSON'
{"model_cfg": {"embed_dim": 48, "quick_gelu": true,
 "vision_cfg": {"image_size": 32, "layers": 3, "width": 128, "patch_size": 8},
 "text_cfg": {"context_length": 77, "vocab_size": 1000, "width": 64, "heads": 4, "layers": 3}}}
JSON
run 8 "${PULL[@]}" --model "$S/timm/" -o timm
says 'has no weights'
absent timm
"$TOOLS/make_weights" "$GOLDEN/tiny-quickgelu/model.safetensors" open_clip_model.safetensors www/timm/open_clip_model.safetensors
run 0 "${PULL[@]}" --model "$S/timm/" -o timm
present timm/open_clip_model.safetensors
absent timm/model.safetensors
run 0 "$NEGBANK" check --model timm
cp www/timm/model.safetensors timm
run 0 "$NEGBANK" check --model timm
prints 'open_clip names'
case_ 'a checkpoint that is none'
mkdir www/nomodel
run 8 "${PULL[@]}" --model "$S/nomodel/" -o m5
says "no 'config.json'"
run 8 "${PULL[@]}" --model w/images -o m6
absent m5 m6
finish
