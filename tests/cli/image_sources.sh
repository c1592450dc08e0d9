#!/usr/bin/env bash
# Images from standard input, named pipes and addresses: the same store as from files, on any number of ranks; what is odd
# among them, and --strict.
NO_BANK=1
. "$TESTS/cli/servers.bash" || exit 1
need python3 curl tar
mkdir -p root/few
for i in 0 1 2 3 4 5; do cp w/images/wild/00$i.png root/few/$i.png; done
cp w/images/wild/006.png root/few/6.gif # a PNG all the same
printf 'few/%s\n' 5.png 3.png 6.gif | awk '{ print $0, NR }' >root/list.txt
tar cf root/few.tar -C root/few 0.png 1.png 2.png
gzip -k root/few.tar
start_python faulty_server --root "$T/root"
F=http://127.0.0.1:$PORT/ok
QUICK=("${FAST[@]}" --retries 3 --stall-timeout 1 --connect-timeout 1)
embed=(embed images -q --model w/model --force)
# rows NAME ARGUMENTS...: the store NAME.nbe of these inputs, its embeddings and labels in NAME.npy and NAME.l.npy.
export_() {
    rm -f "$1.names"
    done_ store export -q --force "$1.nbe" --embeddings "$1.npy" --labels "$1.l.npy" --names "$1.names"
}
rows() {
    done_ "${embed[@]}" -o "$1.nbe" "${@:2}"
    export_ "$1"
}
# piped COMMAND NAME ARGUMENTS...: the same, with the command's output as standard input.
piped() {
    bash -c "$1" | timeout $LIMIT "${NB[@]}" "${embed[@]}" -o "$2.nbe" "${@:3}" >out 2>err || die "exit code $?"
    export_ "$2"
}
# like WANT GOT: the same embeddings and labels.
like() {
    same "$1.npy" "$2.npy"
    same "$1.l.npy" "$2.l.npy"
}
left_nothing() { absent ./*.inputs; }
empty_cache() { [ -z "$(find cache -type f ! -path '*/locks/*' 2>/dev/null)" ] || die "the cache holds $(find cache -type f)"; }
rows list root/list.txt
rows tar root/few.tar

case_ 'a list from standard input: paths start where the program runs'
piped "sed 's,^,root/,' root/list.txt" got -
like list got
[ "$(head -1 got.names)" = root/few/5.png ] || die "the first name is $(head -1 got.names)"
left_nothing
case_ 'a list from a process'
(cd root && rows_of=$(cat list.txt) && exec "${NB[@]}" "${embed[@]}" --model ../w/model -o ../got.nbe <(echo "$rows_of")) >out 2>err || die 'it failed'
export_ got
like list got
case_ 'shards from standard input and a named pipe, plain and compressed'
for kind in '' .gz; do
    piped "cat root/few.tar$kind" got -
    like tar got
    [ "$(head -1 got.names)" = stdin/0.png ] || die "the first name is $(head -1 got.names)"
    mkfifo "pipe.tar$kind"
    cat "root/few.tar$kind" >"pipe.tar$kind" &
    rows got "pipe.tar$kind"
    like tar got
    [ "$(head -1 got.names)" = "pipe.tar$kind/0.png" ] || die "the first name is $(head -1 got.names)"
    left_nothing
done
case_ 'a shard from standard input on two and three ranks'
for n in 2 3; do
    # shellcheck disable=SC2046
    timeout $LIMIT $(mpi $n) "$NEGBANK" "${embed[@]}" -o n.nbe - <root/few.tar >out 2>err || die "exit code $?"
    export_ n
    like tar n
    left_nothing
done
case_ 'nothing comes, it comes twice, or it is no image'
refused 3 got2.nbe "${embed[@]}" -o got2.nbe -
says "'-' is empty"
refused 2 got2.nbe "${embed[@]}" -o got2.nbe root/few.tar - -
says 'only once'
refused 2 part.nbe embed images -q --model w/model -o part.nbe --part 1/2 -
says '--part makes one of several'
echo 'no such image' | timeout $LIMIT "${NB[@]}" "${embed[@]}" -o got2.nbe - >out 2>err && die 'it is taken'
says "image list 'stdin' line 1"
left_nothing

case_ 'a shard, an image and a list at addresses, and addresses in a list'
rows got "${QUICK[@]}" "$F/few.tar"
like tar got
rows got "${QUICK[@]}" "$F/few.tar.gz"
like tar got
rows got "${QUICK[@]}" "$F/list.txt"
like list got
[ "$(head -1 got.names)" = "$F/few/5.png" ] || die "the first name is $(head -1 got.names)"
rows one root/few/1.png
rows got "${QUICK[@]}" "$F/few/1.png?token=hidden"
like one got
grep -rqs hidden got.nbe got.nbe.run.json got.names out err && die 'a secret is written down'
sed "s,^few/5,$F/&," root/list.txt >mixed.txt
cp -r root/few .
rows got "${QUICK[@]}" mixed.txt
like list got
empty_cache
case_ 'an address that stands twice, on three ranks'
{ cat mixed.txt; grep "$F" mixed.txt; } >twice.txt
rows want root/list.txt root/few/5.png
run 0 "${NB3[@]}" "${embed[@]}" "${QUICK[@]}" -o got.nbe twice.txt
export_ got
same want.npy got.npy
empty_cache
case_ 'cut in the middle, and continued'
proxy down "$PORT" 2 2000 5
rows got "${QUICK[@]}" "http://127.0.0.1:$PROXY_PORT/ok/few.tar"
like tar got
[ "$(counted cuts)" -ge 1 ] || die 'the connection was not cut'
case_ 'what is not there'
refused 8 x.nbe "${embed[@]}" "${QUICK[@]}" -o x.nbe "$F/few.tar" "$F/absent.tar"
says 'answered 404'
refused 8 x.nbe "${embed[@]}" "${QUICK[@]}" -o x.nbe <(echo "$F/few/absent.png")
says 'answered 404'
rm -rf cache
case_ 'other commands read files alone'
run 2 "${NB[@]}" tune --model w/model --labels w/labels.txt --images "$F/few.tar" -o x
says 'addresses are not read here'

case_ 'the strict way: the first odd one ends it, with its name'
mkdir odd
cp root/few/0.png odd/0.png
echo '<html>' >odd/1.png
run 0 "${NB[@]}" "${embed[@]}" -o got.nbe odd
says "skipped: image 'odd/1.png': it is HTML"
refused 3 x.nbe "${embed[@]}" -o x.nbe --strict odd
says_all "image 'odd/1.png': it is HTML" 'without --strict'
rm odd/1.png
ln -s nowhere odd/2.jpg
refused 3 x.nbe "${embed[@]}" -o x.nbe --strict odd
says_all "1 would be left out, the first of 'odd': 2.jpg: links to nothing" 'without --strict'
rm odd/2.jpg
cp root/few/0.png odd/._0.png
run 0 "${NB[@]}" "${embed[@]}" --strict -o got.nbe odd
says 'hidden files, of macOS for instance: 1'
finish
