#!/usr/bin/env bash
# CSP from word lists to a bank: strings, embeddings and selections are those of the authors' code (golden/methods2), on one
# rank and on three; what WordNet says of words; prompt sets.
source "$TESTS/cli/lib.sh" || exit 1
NB=("$NEGBANK")
LISTS=(--exclude-lexnames noun.person,noun.quantity,noun.group,adj.pert --superclasses default --superclass-choice released)

case_ "CSP's strings, by the release's draw, in two orders of the files and for two seeds"
cat >golden.py <<'PYTHON'
import json, os, sys
csp = json.load(open(os.environ["GOLDEN"] + "/methods2/csp.json"))
os.makedirs("lists", exist_ok=True)
for name, words in csp["files"].items():
    with open("lists/" + name, "w") as file:
        file.write("".join(word + "\n" for word in words))
for run in "sorted", "reversed", "sorted_seed1":
    with open(run + ".txt", "w") as file:
        file.write("".join(text + "\n" for text in sorted(csp["runs"][run]["candidates"], key=str.encode)))
with open("labels.txt", "w") as file:
    file.write("".join(label + "\n" for label in csp["labels"]))
# what is selected, in the bank's order
run = csp["runs"]["sorted"]
with open("selected.txt", "w") as file:
    file.write("".join(run["candidates"][i] + "\n" for i in run["selected"]))
product = csp["runs"]["product"]
pairs = [a + " " + s for a in product["adjectives"] for s in product["superclasses"]]
for name in "best", "all":
    with open("selected_" + name + ".txt", "w") as file:
        file.write("".join(pairs[i] + "\n" for i in product["selected_" + name]))
with open("adj.product.txt", "w") as file:
    file.write("".join(adjective + "\n" for adjective in product["adjectives"]))
PYTHON
run 0 python3 golden.py
sorted=(lists/adj.all.txt lists/adj.ppl.txt lists/noun.artifact.txt lists/noun.person.txt lists/noun.plant.txt)
reversed=()
for list in "${sorted[@]}"; do reversed=("$list" "${reversed[@]}"); done
drawn() { # NAME SEED LISTS...
    run 0 "${NB[@]}" corpus -q --force "${LISTS[@]}" --superclass-seed "$2" -o "$1.nbc" "${@:3}"
    run 0 "${NB[@]}" inspect export -q --force --texts got.txt "$1.nbc"
    same got.txt "$1.txt"
}
drawn sorted 0 "${sorted[@]}"
drawn reversed 0 "${reversed[@]}"
drawn sorted_seed1 1 "${sorted[@]}"
run 0 $(mpi 3) "$NEGBANK" corpus -q --force "${LISTS[@]}" -o three.nbc "${sorted[@]}"
run 0 "${NB[@]}" corpus --force "${LISTS[@]}" -o one.nbc "${sorted[@]}"
says 'dropped 1: lexname'
run 0 "${NB[@]}" inspect diff one.nbc three.nbc

case_ 'its bank'
embed=(--model "$GOLDEN/tiny-quickgelu" --prompt csp-noun --prompt-mean raw)
run 0 "${NB[@]}" embed text -q "${embed[@]}" --prompt-adj csp-adjective -o texts.nbe sorted.nbc
mine=(--texts texts.nbe --labels labels.txt "${embed[@]}" --criterion csp)
run 0 "${NB[@]}" mine -q "${mine[@]}" -o one.nbank
run 0 $(mpi 3) "$NEGBANK" mine -q "${mine[@]}" -o three.nbank
same one.nbank three.nbank
run 0 "${NB[@]}" inspect export -q --texts negatives.txt one.nbank
same negatives.txt selected.txt
run 0 "${NB[@]}" inspect info one.nbank
prints 'a close-up photo of the nice {}.'

case_ 'all superclasses, and one an adjective: the best'
run 0 "${NB[@]}" corpus -q --superclasses default -o all.nbc adj.product.txt
run 0 "${NB[@]}" inspect export -q --texts all.txt all.nbc
[ "$(wc -l <all.txt)" = $((14 * $(wc -l <adj.product.txt))) ] || die 'not 14 strings an adjective'
run 0 "${NB[@]}" embed text -q "${embed[@]}" --prompt-adj csp-adjective -o all.nbe all.nbc
mine[1]=all.nbe
for rule in none superclass; do
    run 0 "${NB[@]}" mine -q "${mine[@]}" --reject $rule -o $rule.nbank
    run 0 $(mpi 3) "$NEGBANK" mine -q --force "${mine[@]}" --reject $rule -o three.nbank
    same $rule.nbank three.nbank
    run 0 "${NB[@]}" inspect export -q --texts $rule.txt $rule.nbank
done
same none.txt selected_all.txt
same superclass.txt selected_best.txt
printf 'pattern\nsmall thing\n' >two.txt
run 0 "${NB[@]}" corpus -q --superclasses two.txt -o two.nbc lists/adj.all.txt
run 0 "${NB[@]}" inspect export -q --force --texts all.txt two.nbc
grep -qx 'roofed small thing' all.txt || die 'a superclass of the file is missing'
printf 'pattern\npattern\n' >twice.txt
run 2 "${NB[@]}" corpus --superclass-choice released -o bad.nbc lists/adj.all.txt
says '--superclass-choice and --superclass-seed are for --superclasses'
run 3 "${NB[@]}" corpus --superclasses twice.txt -o bad.nbc lists/adj.all.txt
says "'twice.txt' line 2: 'pattern' stands there twice"

case_ 'the score negrefine, which embeds texts of two labels'
run 0 python3 "$TESTS/support/npy_rows.py" images.npy "$GOLDEN/methods2/negrefine_images.npy[0:8]"
run 0 "${NB[@]}" store import -q --embeddings images.npy -o images.nbe
pairs=(score --bank one.nbank --images images.nbe --score negrefine --groups 5 --allow-mismatch)
run 0 "${NB[@]}" "${pairs[@]}" --model "$GOLDEN/tiny-quickgelu" -o one.tsv
says "pairs of labels are embedded under 8 prompts, 'a close-up photo of the nice {}.'"
says 'texts of two labels were embedded'
run 0 $(mpi 3) "$NEGBANK" "${pairs[@]}" -q --model "$GOLDEN/tiny-quickgelu" -o three.tsv
same one.tsv three.tsv
run 0 "${NB[@]}" eval -q --bank one.nbank --id images.nbe --ood same=images.nbe --score negrefine --groups 5 --allow-mismatch \
    --model "$GOLDEN/tiny-quickgelu" -o eval.json
run 2 "${NB[@]}" "${pairs[@]}" -o bad.tsv
says 'it needs the checkpoint'
absent bad.tsv

case_ 'what WordNet says of words'
if [ -e /usr/share/wordnet/data.noun ]; then
    printf '%s\n' dog 'Golden retriever' 'no such label' >kinds.txt
    printf '%s\n' beagle puppy 'golden retriever' Danube Rhine car oak >words.txt
    filter=(--filter proper,subcategory --labels kinds.txt --exclude-lexnames noun.plant)
    run 0 "${NB[@]}" corpus --force --tag noun "${filter[@]}" -o words.nbc words.txt
    says 'WordNet does not have 1 of 3 labels'
    says 'dropped 1: lexname'
    says 'dropped 2: proper'
    says 'dropped 3: subcategory'
    run 0 "${NB[@]}" inspect export -q --force --texts left.txt words.nbc
    [ "$(cat left.txt)" = car ] || die 'another word than car is left'
fi
run 3 "${NB[@]}" corpus --wordnet nowhere --filter proper -o bad.nbc lists/noun.plant.txt
says "nowhere/data.noun"
run 2 "${NB[@]}" corpus --filter proper,rare -o bad.nbc lists/noun.plant.txt
says "'rare' is neither"
run 2 "${NB[@]}" corpus --filter subcategory -o bad.nbc lists/noun.plant.txt
says 'needs --labels'
run 2 "${NB[@]}" corpus --exclude-lexnames noun.persons -o bad.nbc lists/noun.plant.txt
says "'noun.persons' is no lexicographer file"

case_ 'prompts'
run 2 "${NB[@]}" embed text --model "$GOLDEN/tiny-quickgelu" --prompt csp-nouns -o bad.nbe sorted.nbc
says "prompt 'csp-nouns' has no {}, and there is no set of that name"
says 'csp-adjective, csp-noun, imagenet-80, simple'
finish
