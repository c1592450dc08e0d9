#!/usr/bin/env bash
# Man pages and completion: every page renders without a warning and has every option; bash completes words.
. "$TESTS/cli/lib.sh" || exit 1
mapfile -t commands < <("$NEGBANK" help --list)

case_ 'help: the list, the overview, a command'
"$NEGBANK" --help | sed -n 's/^  \([a-z]*\( [a-z]\+\)\?\)  .*/\1/p' >overview
printf '%s\n' "${commands[@]}" >list
same list overview
run 0 "$NEGBANK" help inspect info
cp out first
run 0 "$NEGBANK" inspect info --help
same out first
case_ 'help: what is refused'
for words in frobnicate inspect 'mine mine'; do
    # shellcheck disable=SC2086
    run 2 "$NEGBANK" help $words
    says "unknown command '$words'"
done
run 2 "$NEGBANK" help --completion fish
says "'fish' is none of bash|zsh"
run 2 "$NEGBANK" help --completion bash mine
run 2 "$NEGBANK" help --man --list
case_ 'help: a full disk'
[ ! -e /dev/full ] || { "$NEGBANK" help --man mine >/dev/full 2>err && die 'no failure' || true; }

# ---- man pages ----

# renders FILE: groff and mandoc, where they are, find nothing to warn of.
renders() {
    if command -v groff >/dev/null; then
        groff -man -Tutf8 -ww -z "$1" >out 2>&1 || die "groff fails on $1"
        [ ! -s out ] || die "groff warns of $1"
    fi
    if command -v mandoc >/dev/null; then
        mandoc -Tlint -Wwarning "$1" 2>&1 | grep -v 'missing date' >out
        [ ! -s out ] || die "mandoc warns of $1"
    fi
}
case_ 'a page that is wrong is noticed'
printf '.TH X 1\n.SH NAME\nx \\- \\fQy\n.FOO\n' >wrong.1
if command -v groff >/dev/null; then
    groff -man -Tutf8 -ww -z wrong.1 2>&1 | grep -q warning || die 'groff finds nothing wrong'
fi
run 0 "$NEGBANK" help --man
cp out negbank.1
renders negbank.1
for command in "${commands[@]}"; do
    case_ "the page of $command"
    page=negbank-${command// /-}.1
    # shellcheck disable=SC2086
    run 0 "$NEGBANK" help --man $command
    cp out "$page"
    renders "$page"
    grep -qF "negbank\\-${command// /\\-}" negbank.1 || die 'negbank(1) does not name it'
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS ENVIRONMENT '"EXIT STATUS"' FILES EXAMPLES '"SEE ALSO"'; do
        grep -qxF ".SH $section" "$page" || die "no section $section"
    done
    # shellcheck disable=SC2086
    "$NEGBANK" $command --help | sed -n 's/^  \(-., \)\?--\([a-z0-9-]*\).*/\2/p' >options
    [ "$(wc -l <options)" -ge 6 ] || die "--help lists $(wc -l <options) options"
    while read -r option; do
        grep -qF "\\fB\\%\\-\\-${option//-/\\-}\\fR" "$page" || die "no --$option"
    done <options
done
if command -v groff >/dev/null; then
    case_ 'what is shown can be copied: hyphens, backslashes, quotes'
    GROFF_NO_SGR=1 groff -man -Tutf8 negbank-corpus.1 | sed 's/.\x08//g' >shown
    for line in 'negbank corpus --format wordnet -o wordnet.nbc /usr/share/wordnet/index.noun \' \
        "    'shards/*.tsv.gz'"; do
        grep -qF -- "$line" shown || die "'$line' is not shown"
    done
fi

# ---- completion ----

run 0 "$NEGBANK" help --completion bash
cp out completion.bash
run 0 bash -n completion.bash
touch 'a file.txt' other.nbe
mkdir folder
# completes WANTED WORD...: the words of WANTED, one a line, complete the last word; '=' is a word of its own, as in bash.
completes() {
    printf '%b' "$1" | sort >want
    shift
    bash -c '. ./completion.bash; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _negbank; printf "%s\n" "${COMPREPLY[@]}"' \
        bash negbank "$@" 2>err | sed '/^$/d' | sort >out
    [ ! -s err ] || die "completion of '$*' prints on standard error"
    cmp -s want out || die "'$*' is not completed to: $(tr '\n' ' ' <want)"
}
case_ 'bash: commands'
completes 'inspect\n' ins
completes 'plan\npublish\npull\n' p
completes 'tokens\n' inspect t
completes 'images\ntext\n' embed ''
completes '' frobnicate ''
case_ 'bash: options'
completes '--temperature\n--texts\n' mine --te
completes '--print-config\n--print-slurm\n--print-stages\n' run x.yaml --pri
completes '--request-timeout\n--retries\n--retry-longest\n--retry-wait\n' publish --unguarded --re
completes '--no-resume\n' run --no
completes '--labels-from\n--label-key\n--log-json\n' embed images --l
case_ 'bash: choices'
completes 'fp16\nfp32\n' embed text --store f
completes 'fp32\n' embed text --store fp3
completes 'window\n' embed images --sharing = w
completes 'auto\ndealt\nnode\nround-robin\nwindow\n' embed images --sharing =
completes 'bash\nzsh\n' help --completion ''
case_ 'bash: files and folders'
completes 'a file.txt\n' corpus -o a
completes 'other.nbe\n' mine --texts ot
completes 'other.nbe\n' inspect info ot
completes 'folder\n' pull --cache fo
completes '' mine --count ''
case_ 'bash: commands behind help'
completes 'store\nscore\n' help s
completes 'import\n' help store i
case_ 'every option of every command is completed'
for command in "${commands[@]}"; do
    # shellcheck disable=SC2086
    "$NEGBANK" $command --help | sed -n 's/^  \(-., \)\?\(--[a-z0-9-]*\).*/\2/p' | sort -u >options
    # shellcheck disable=SC2086
    bash -c '. ./completion.bash; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _negbank; printf "%s\n" "${COMPREPLY[@]}"' \
        bash negbank $command -- | sort -u >out
    [ -z "$(comm -23 options out)" ] || die "$command: not completed: $(comm -23 options out | tr '\n' ' ')"
done
run 0 "$NEGBANK" help --completion zsh
cp out _negbank
if command -v zsh >/dev/null; then
    case_ 'zsh: syntax'
    run 0 zsh -n _negbank
fi
finish
