#!/usr/bin/env bash
# Checkpoints that are not what they should be: every one is refused by name before anything is written.
. "$TESTS/cli/world.bash" || exit 1

text=(embed text -o out.nbe few.nbc --model)

# bad WORDS...: the checkpoint m is refused as bad input, with these words.
bad() {
    refused 3 out.nbe "${text[@]}" m
    says_all "$@"
}

# ---- the folder and its files ----

case_ 'no folder'
refused 3 out.nbe "${text[@]}" nowhere
says "'nowhere' is not a folder"
case_ 'a file for a folder'
refused 3 out.nbe "${text[@]}" few.txt
says "'few.txt' is not a folder"

for part in config.json model.safetensors vocab.json merges.txt; do
    case_ "missing $part"
    model m
    rm "m/$part"
    bad "m/$part" 'No such file'
    case_ "empty $part"
    : >"m/$part"
    bad "m/$part"
    case_ "a directory for $part"
    rm "m/$part"
    mkdir "m/$part"
    bad "'m/$part' is a directory"
    case_ "a pipe for $part"
    rmdir "m/$part"
    mkfifo "m/$part"
    bad "'m/$part' is not a regular file"
done

# ---- config.json ----

config() {
    model m
    edit m/config.json "$1" "$2"
    shift 2
    bad m/config.json "$@"
}
case_ 'config.json is not JSON'
config '"model_type": "clip",' '"model_type": "clip"' 'is not a JSON object'
case_ 'config.json is a JSON array'
model m
echo '[1, 2]' >m/config.json
bad m/config.json 'is not a JSON object'
case_ 'config.json is nested too deeply'
head -c 100000 /dev/zero | tr '\0' '[' >m/config.json
refused 5 out.nbe "${text[@]}" m
says_all m/config.json 'limit json-depth'
case_ 'config.json is not UTF-8'
printf '{"model_type": "cl\xffp"}' >m/config.json
bad m/config.json
case_ 'config.json of 10 MB'
long_line >m/config.json
bad m/config.json '10000000 bytes, at most'
case_ 'config.json says the same twice'
config '"projection_dim": 32,' '"projection_dim": 32, "projection_dim": 32,' projection_dim
case_ 'config.json lacks model_type'
model m
sed -i '/"model_type": "clip",/d' m/config.json
bad m/config.json "model_type '(missing)' is not 'clip'"
case_ 'config.json of another model'
config '"model_type": "clip",' '"model_type": "bert",' "model_type 'bert' is not 'clip'"
case_ 'config.json without a tower'
config '"vision_config"' '"vision_confid"' 'has no vision_config'
case_ 'a negative size'
config '"hidden_size": 64' '"hidden_size": -64' hidden_size 'is not a whole number'
case_ 'a size in quotes'
config '"hidden_size": 64' '"hidden_size": "64"' hidden_size 'is not a whole number'
case_ 'a size beyond all bounds'
config '"intermediate_size": 256' '"intermediate_size": 99999999999999999' intermediate_size
case_ 'a size beyond 64 bits'
config '"intermediate_size": 256' '"intermediate_size": 99999999999999999999999' 'is not a JSON object'
case_ 'heads that do not divide the width'
config '"num_attention_heads": 4' '"num_attention_heads": 5' 'num_attention_heads 5 does not divide hidden_size 64'
case_ 'an unknown activation'
config '"quick_gelu"' '"relu"' "hidden_act 'relu'"
case_ 'an epsilon of zero'
config '"layer_norm_eps": 1e-5' '"layer_norm_eps": 0.0' layer_norm_eps
case_ 'an epsilon in quotes'
config '"layer_norm_eps": 1e-5' '"layer_norm_eps": "tiny"' layer_norm_eps
case_ 'patches larger than the image' # smaller ones need not divide it: the rest of the image is not looked at
config '"patch_size": 8' '"patch_size": 65' '64 pixels, patches of 65'
case_ 'more channels'
config '"num_channels": 3' '"num_channels": 4' '4 channels'

# Sizes that are sound but not the checkpoint's.
size() {
    model m
    edit m/config.json "$1" "$2"
    shift 2
    bad m/model.safetensors "$@"
}
case_ 'a wrong width'
size '"hidden_size": 64' '"hidden_size": 32' 'has shape [64], config.json says [32]'
case_ 'a wrong projection'
size '^ "projection_dim": 32' ' "projection_dim": 33' "'text_projection.weight' has shape [32, 64], config.json says [33, 64]"
case_ 'a layer too many'
size '"num_hidden_layers": 2' '"num_hidden_layers": 3' "has no tensor 'text_model.encoder.layers.2."
case_ 'a million layers'
size '"num_hidden_layers": 2' '"num_hidden_layers": 1000000' "has no tensor 'text_model.encoder.layers.2."
case_ 'a longer context'
size '"max_position_embeddings": 32' '"max_position_embeddings": 77' 'has shape [32, 64], config.json says [77, 64]'
case_ 'a vocabulary that is not the checkpoint'"'"'s'
model m
edit m/config.json '"vocab_size": 1014' '"vocab_size": 1015'
bad "'m': vocab.json has 1014 tokens, the checkpoint embeds 1015"

# ---- model.safetensors ----

header=$(od -An -tu8 -N 8 w/model/model.safetensors)
header=$((header))
data=$((header + 8))
size=$(bytes_of w/model/model.safetensors)

for cut in 1 7 8 9 1000 $((data - 1)) $data $((data + 3)) $((size - 4096)) $((size - 1)); do
    case_ "model.safetensors cut to $cut bytes"
    model m
    truncate -s "$cut" m/model.safetensors
    bad m/model.safetensors
done
case_ 'a byte behind the last tensor'
model m
printf x >>m/model.safetensors
bad m/model.safetensors '1 bytes behind its last tensor'
for at in 0 1 3 5 7; do
    case_ "a bit of the header's length, byte $at"
    model m
    flip m/model.safetensors $at
    bad m/model.safetensors
done
for at in 8 9 60 $((data - 1)); do
    case_ "a bit of the header, byte $at"
    model m
    flip m/model.safetensors "$at" 64
    bad m/model.safetensors
done

# tensor OLD NEW WORDS...: replaces text of the header by text of the same length.
tensor() {
    model m
    [ "$(printf %s "$1" | tr -d '\\' | wc -c)" = "$(printf %s "$2" | wc -c)" ] || die 'OLD and NEW differ in length'
    edit m/model.safetensors "$1" "$2"
    shift 2
    bad m/model.safetensors "$@"
}
case_ 'a tensor of another dtype'
tensor 'text_projection.weight":{"dtype":"F32"' 'text_projection.weight":{"dtype":"I32"' \
    "tensor 'text_projection.weight' has dtype I32; F32, F16 and BF16 are read"
case_ 'a dtype that does not exist'
tensor 'text_projection.weight":{"dtype":"F32"' 'text_projection.weight":{"dtype":"X32"' "unknown dtype 'X32'"
case_ 'a dtype of another size'
tensor 'text_projection.weight":{"dtype":"F32"' 'text_projection.weight":{"dtype":"F64"' \
    "tensor 'text_projection.weight': its shape takes 16384 bytes of F64, its offsets hold 8192"
case_ 'a shape that does not fill its bytes'
tensor 'text_projection.weight":{"dtype":"F32","shape":\[32,64\]' 'text_projection.weight":{"dtype":"F32","shape":[32,46]' \
    "tensor 'text_projection.weight': its shape takes"
case_ 'a transposed shape'
tensor 'text_projection.weight":{"dtype":"F32","shape":\[32,64\]' 'text_projection.weight":{"dtype":"F32","shape":[64,32]' \
    "'text_projection.weight' has shape [64, 32], config.json says [32, 64]"
case_ 'a negative dimension'
tensor 'text_projection.weight":{"dtype":"F32","shape":\[32,64\]' 'text_projection.weight":{"dtype":"F32","shape":[-2,64]' \
    "tensor 'text_projection.weight': 'shape' holds something that is no size"
case_ 'a missing tensor'
tensor '"text_projection.weight"' '"text_projectiom.weight"' "has no tensor 'text_projection.weight'"
case_ 'two tensors of one name'
tensor '"visual_projection.weight"' '"text_projection.weight"  ' 'header byte' 'duplicate object key'
case_ 'offsets that overlap'
tensor '"data_offsets":\[4,259588\]' '"data_offsets":[0,259584]' overlaps
case_ 'offsets beyond the file'
tensor '"data_offsets":\[0,4\]' '"data_offsets":[9,4]' 'logit_scale' 'begin <= end'
case_ 'a name with a control character'
tensor '"text_projection.weight"' "$(printf '"text_projection\033weight"')" 'header byte'

# bits TENSOR OFFSET BYTES WORDS...: overwrites data of a tensor.
bits() {
    model m
    poke m/model.safetensors $((data + $2)) "$3"
    bad m/model.safetensors "tensor '$1'" "$4"
}
case_ 'NaN in a scalar'
bits logit_scale 0 '\000\000\300\177' 'element 0'
case_ 'NaN in a matrix'
bits text_model.embeddings.token_embedding.weight $((4 + 4 * 777)) '\001\000\200\177' 'element 777'
case_ 'infinity in a matrix'
bits text_model.embeddings.token_embedding.weight $((4 + 4 * 778)) '\000\000\200\377' 'element 778'
case_ 'NaN in the last element'
model m
poke m/model.safetensors $((size - 4)) '\000\000\300\377'
bad m/model.safetensors tensor 'the checkpoint is damaged'

# ---- vocabulary and merges ----

vocab() {
    model m
    edit m/vocab.json "$1" "$2"
    shift 2
    bad m/vocab.json "$@"
}
case_ 'vocab.json is not JSON'
model m
truncate -s 5000 m/vocab.json
bad m/vocab.json 'no valid JSON'
case_ 'vocab.json is an array'
echo '["a", "b"]' >m/vocab.json
bad m/vocab.json 'expected an object'
case_ 'an id beyond the vocabulary'
vocab '"<|endoftext|>": *1013' '"<|endoftext|>": 2000' '"<|endoftext|>" is no integer in [0, 1014)'
case_ 'two tokens of one id'
vocab '"<|endoftext|>": *1013' '"<|endoftext|>": 1012' 'share the id 1012'
case_ 'an id that is no number'
vocab '"<|endoftext|>": *1013' '"<|endoftext|>": "last"' '"<|endoftext|>" is no integer'
case_ 'no end token'
vocab '"<|endoftext|>"' '"<|endoftexts|>"' 'the special token "<|endoftext|>" is missing'
case_ 'no symbol for a byte'
vocab '"a":' '"aaaaaaa":' 'the symbol of byte 0x61'

merges() {
    model m
    sed -i "$1" m/merges.txt
    shift
    bad m/merges.txt "$@"
}
case_ 'merges.txt without its first line'
merges 1d 'expected a line with #version'
case_ 'a merge of three'
merges '5s/$/ x/' 'merges.txt:5: expected two symbols'
case_ 'a merge of one'
merges '5s/.*/ab/' 'merges.txt:5: expected two symbols'
case_ 'a merge of unknown symbols'
merges '5s/.*/qqq zzz/' 'merges.txt:5' 'is not in vocab.json'
case_ 'a merge twice'
merges '5p' 'merges.txt:6' 'was there before this merge'
case_ 'half of the merges'
merges '200,$d' 'no merge makes the token' 'is merges.txt whole'
case_ 'a merge line of 10 MB'
model m
{ head -3 w/model/merges.txt; long_line; } >m/merges.txt
bad m/merges.txt 'merges.txt:4'
case_ 'merges.txt with bytes that are not UTF-8'
merges "5s/.*/$(printf '\377\376') x/" 'merges.txt:5'

# ---- preprocessor_config.json ----

images=(embed images -o out.nbe w/images/id-test/red_circle --model)
preprocess() {
    model m
    edit m/preprocessor_config.json "$1" "$2"
    refused 3 out.nbe "${images[@]}" m
    shift 2
    says_all m/preprocessor_config.json "$@"
}
case_ 'preprocessor_config.json is not JSON'
preprocess '"do_resize": true,' '"do_resize": true' 'is not JSON'
case_ 'another crop'
preprocess '"height": 64' '"height": 224' crop_size 224 'the model wants 64 pixels'
case_ 'another resize'
preprocess '"shortest_edge": 64' '"shortest_edge": 63' size 63
case_ 'a mean of two'
preprocess '  0.48145467,' '' image_mean 'three numbers'
case_ 'a deviation of zero'
preprocess '0.26862955' '0.0' image_std 'three numbers over 0'
case_ 'another filter'
preprocess '"resample": 3' '"resample": 1' resample bicubic
case_ 'no normalisation'
preprocess '"do_normalize": true' '"do_normalize": false' do_normalize
case_ 'no rescaling factor'
preprocess '"rescale_factor": 0.00392156862745098' '"rescale_factor": 0' rescale_factor
case_ 'an empty preprocessor_config.json'
model m
: >m/preprocessor_config.json
refused 3 out.nbe "${images[@]}" m
says m/preprocessor_config.json
case_ 'a directory for preprocessor_config.json'
rm m/preprocessor_config.json
mkdir m/preprocessor_config.json
refused 3 out.nbe "${images[@]}" m
says "'m/preprocessor_config.json' is a directory"
case_ 'no preprocessor_config.json: a warning and the published numbers'
rmdir m/preprocessor_config.json
done_ "${images[@]}" m
says 'warning:'
says 'has no preprocessor_config.json'
rm out.nbe out.nbe.run.json

# ---- the other commands that open a checkpoint ----

model m
poke m/model.safetensors "$data" '\000\000\300\177'
case_ 'mine with a damaged checkpoint'
done_ embed text -q -o t.nbe few.nbc --model w/model
refused 3 out.nbank mine --texts t.nbe --labels w/labels.txt --model m --criterion neglabel -o out.nbank
says_all m/model.safetensors logit_scale
case_ 'inspect tokens with a damaged vocabulary'
model m
edit m/merges.txt '^a c$' 'a c d'
refused 3 - inspect tokens --model m
says m/merges.txt:3
finish
