/* Checkpoints that are refused: hostile indexes, tensors, configurations and tokenizers, each by name. */
#include "support/checkpoint_folders.h"

#include "common/clip/model/weights.h"
#include "jobs/check/known_answers.h"

#include <stdlib.h>
#include <string.h>

static void refuse(const char *folder, const char *word)
{
    nb_error err = {0};
    nb_clip *clip;
    must_fail(nb_clip_open(&clip, folder, &err), NB_ERR_INPUT, &err, word);
    assert_null(clip);
}

static void refuse_index(const char *from, const char *to, const char *word)
{
    const char *folder = hugging_face_folder();
    put_shards(folder, "model.safetensors", "model.safetensors.index.json", 2);
    edit_file(folder, "model.safetensors.index.json", from, to);
    refuse(folder, word);
}

static void test_hostile_index(void **state)
{
    (void)state;
    static const char *const shard = "\"model-00001-of-00002.safetensors\"";
    refuse_index(shard, "\"../x.safetensors\"", "'../x.safetensors' of tensor");
    refuse_index(shard, "\"/etc/passwd\"", "not a plain file name");
    refuse_index(shard, "\"sub/x.safetensors\"", "not a plain file name");
    refuse_index(shard, "\"..\"", "not a plain file name");
    refuse_index(shard, "\"\"", "not a plain file name");
    refuse_index(shard, "\"a\\u001bb\"", "not a plain file name");
    refuse_index(shard, "17", "not a plain file name");
    refuse_index(shard, "\"model-00007-of-00002.safetensors\"", "model-00007-of-00002.safetensors");
    refuse_index(shard, "\"model-00002-of-00002.safetensors\"", "which has it not");
    refuse_index("weight_map", "weight_mop", "has no weight_map");
    refuse_index("{", "[", "JSON");
    refuse_index("\"logit_scale\": ", "\"logit_scalf\": ", "'logit_scalf'");
    const char *folder = hugging_face_folder();
    put_shards(folder, "model.safetensors", "model.safetensors.index.json", 2);
    put_text(folder, "model.safetensors.index.json", "{\"weight_map\": {}}");
    refuse(folder, "has no weight_map");
    put_text(folder, "model.safetensors.index.json",
             "{\"weight_map\": {\"logit_scale\": \"model-00001-of-00002.safetensors\"}}");
    refuse(folder, "does not list tensor");
}

/* A tensor in two shards, each of which is whole. */
static void test_duplicate_tensor(void **state)
{
    (void)state;
    static const float one = 1;
    nb_error err = {0};
    nb_checkpoint *c;
    const char *folder = fresh_folder();
    nb_tensor t[2] = {{.name = "same", .dtype = NB_F32, .count = 1, .data = &one},
                      {.name = "other", .dtype = NB_F32, .count = 1, .data = &one}};
    char *a = joined_path(folder, "a.safetensors"), *b = joined_path(folder, "b.safetensors");
    must(nb_safetensors_write(a, true, t, 1, NULL, &err), &err);
    must(nb_safetensors_write(b, true, t, 2, NULL, &err), &err);
    put_text(folder, "model.safetensors.index.json",
             "{\"weight_map\": {\"same\": \"a.safetensors\", \"other\": \"b.safetensors\"}}");
    must_fail(nb_checkpoint_open(&c, folder, &err), NB_ERR_INPUT, &err, "'same' is in two shards");
    assert_null(c);
    free(a);
    free(b);
}

/* A checkpoint of one tensor of this name, and of the golden ones when `beside`. */
static void refuse_tensor(const char *name, const char *beside, const char *word)
{
    static const float one = 1;
    nb_error err = {0};
    nb_safetensors *file = NULL;
    nb_tensor *all = calloc(1000, sizeof *all);
    size_t count = 0;
    if (beside) {
        must(nb_safetensors_open(&file, golden_file(beside), &err), &err);
        for (; count < nb_safetensors_count(file); count++) {
            all[count] = *nb_safetensors_at(file, count);
        }
    }
    all[count++] = (nb_tensor){.name = name, .dtype = NB_F32, .count = 1, .data = &one};
    const char *folder = hugging_face_folder();
    char *path = joined_path(folder, "model.safetensors");
    must(nb_safetensors_write(path, true, all, count, NULL, &err), &err);
    refuse(folder, word);
    free(path);
    free(all);
    nb_safetensors_close(file);
}

static void test_other_models(void **state)
{
    (void)state;
    refuse_tensor("visual.layer1.0.conv1.weight", NULL,
                  "has no tensor 'text_model.encoder.layers.0.layer_norm1.weight'");
    refuse_tensor("visual.trunk.blocks.0.norm1.weight", NULL, "timm");
    refuse_tensor("text.transformer.h.0.ln_1.weight", "open_clip_model.safetensors", "text tower");
    refuse_tensor("positional_embedding", NULL, "has no tensor 'transformer.resblocks.0.ln_1.weight'");
    refuse_tensor("other", NULL, "has no tensor 'text_model.encoder.layers.0.layer_norm1.weight'");
    refuse_tensor("text_model.encoder.layers.3.layer_norm1.weight", "model.safetensors", "does not account for");
    refuse_tensor("visual.transformer.resblocks.0.ls_1.gamma", "open_clip_model.safetensors", "does not account for");
    const char *bin = hugging_face_folder();
    put_text(bin, "pytorch_model.bin", "x");
    refuse(bin, "pytorch_model.bin' is no file of torch.save");
    refuse_tensor("positional_embedding_res", "open_clip_model.safetensors", "'positional_embedding_res' that");
    refuse_tensor("text_decoder.ln_final.bias", "open_clip_model.safetensors", "'text_decoder.ln_final.bias' that");
    refuse_tensor("other", "model.safetensors", "'other' that the configuration does not account for");
}

static void refuse_config(const char *from, const char *to, const char *word)
{
    const char *folder = whole_folder("model.safetensors");
    edit_file(folder, "config.json", from, to);
    refuse(folder, word);
}

/* Where texts are read. */
static void test_end_token(void **state)
{
    (void)state;
    refuse_config("\"model_type\": \"clip\"", "\"model_type\": \"metaclip_2\"", "'metaclip_2'");
    refuse_config("\"eos_token_id\": 999", "\"eos_token_id\": 998", "eos_token_id 998");
    refuse_config("\"eos_token_id\": 999", "\"eos_token_id\": \"999\"", "text_config.eos_token_id");
    refuse_config("\"eos_token_id\": 999", "\"eos_token_id\": -1", "text_config.eos_token_id");
    static const char *const fine[] = {"\"eos_token_id\": 2", "\"eos_token_id\": null", "\"other\": 1"};
    for (size_t i = 0; i < 3; i++) {
        const char *folder = whole_folder("model.safetensors");
        edit_file(folder, "config.json", "\"eos_token_id\": 999", fine[i]);
        (void)digest_of(folder);
    }
    /* the end token below the start token: the highest id is not the end */
    const char *folder = whole_folder("model.safetensors");
    edit_file(folder, "vocab.json", "\"<|startoftext|>\"", "\"<|swap|>\"");
    edit_file(folder, "vocab.json", "\"<|endoftext|>\"", "\"<|startoftext|>\"");
    edit_file(folder, "vocab.json", "\"<|swap|>\"", "\"<|endoftext|>\"");
    refuse(folder, "eos_token_id 999");
    edit_file(folder, "config.json", "\"eos_token_id\": 999", "\"eos_token_id\": 2");
    refuse(folder, "read at their highest token");
    edit_file(folder, "config.json", "\"eos_token_id\": 2", "\"eos_token_id\": 998");
    (void)digest_of(folder);
}

static void refuse_open_clip(const char *from, const char *to, const char *word)
{
    nb_error err = {0};
    nb_clip_config config;
    const char *folder = fresh_folder();
    put_text(folder, "open_clip_config.json", open_clip_config);
    edit_file(folder, "open_clip_config.json", from, to);
    must_fail(nb_clip_config_read(&config, folder, &err), NB_ERR_INPUT, &err, word);
}

static void test_open_clip_config(void **state)
{
    (void)state;
    refuse_open_clip("\"layers\": 3, \"width\"", "\"layers\": [3, 4, 6], \"width\"", "layers is [3,4,6]");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"timm_model_name\": \"vit_base_patch16_siglip_gap_224\", ",
                     "vit_base_patch16_siglip_gap_224");
    refuse_open_clip("\"text_cfg\": {", "\"text_cfg\": {\"hf_model_name\": \"gpt2\", ", "gpt2");
    static const char *const text[][2] = {
        {"\"pool_type\": \"none\"", "pool_type is \"none\""},
        {"\"pool_type\": \"eos\", \"eos_id\": \"a\"", "eos_id"},
        {"\"embed_cls\": true, \"no_causal_mask\": true", "embed_cls"},
        {"\"embed_cls\": true, \"pad_id\": 1", "pad_id"},
        {"\"hf_model_name\": \"roberta-base\", \"hf_pooler_type\": \"max_pooler\"", "max_pooler"},
        {"\"hf_model_name\": \"roberta-base\", \"hf_proj_type\": \"a\"", "hf_proj_type"},
        {"\"hf_model_name\": \"roberta-base\", \"hf_proj_type\": null", "hf_proj_type"},
        {"\"no_causal_mask\": true, \"use_pad_mask\": true", "use_pad_mask"},
        {"\"tokenizer_kwargs\": {\"strip_sep_token\": true}", "strip_sep_token"},
        {"\"proj_type\": \"mlp\"", "proj_type"},
        {"\"proj_type\": \"none\"", "proj_type"}, /* the widths differ */
        {"\"act_kwargs\": {\"approximate\": \"tanh\"}", "act_kwargs"},
        {"\"norm_kwargs\": {\"eps\": 2}", "eps"},
        {"\"norm_kwargs\": {\"bias\": false}", "norm_kwargs"},
        {"\"qk_norm\": true", "qk_norm"},
        {"\"scale_heads\": true", "scale_heads"}};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        char with[160];
        snprintf(with, sizeof with, "\"text_cfg\": {%s, ", text[i][0]);
        refuse_open_clip("\"text_cfg\": {", with, text[i][1]);
    }
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"pool_type\": \"none\", ", "pool_type");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"attentional_pool\": \"parallel\", ", "attentional_pool");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"attentional_pool\": true, \"attn_pooler_heads\": 5, ",
                     "attentional_pool");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"attentional_pool\": true, \"pool_type\": \"avg\", ",
                     "attentional_pool");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"pos_embed_type\": \"rope\", ", "pos_embed_type");
    refuse_open_clip("\"vision_cfg\": {",
                     "\"vision_cfg\": {\"timm_model_name\": \"eva02_base_patch16_clip_224\", \"timm_pool\": \"map\", ",
                     "timm_pool");
    refuse_open_clip("\"vision_cfg\": {",
                     "\"vision_cfg\": {\"timm_model_name\": \"eva02_base_patch16_clip_224\", \"timm_proj\": \"mlp\", "
                     "\"timm_proj_bias\": true, ",
                     "timm_proj");
    refuse_open_clip("\"vision_cfg\": {",
                     "\"vision_cfg\": {\"timm_model_name\": \"vit_pe_core_base_patch16_224\", \"timm_pool\": \"avg\", ",
                     "timm_pool is \"avg\"");
    refuse_open_clip("\"vision_cfg\": {",
                     "\"vision_cfg\": {\"timm_model_name\": \"vit_pe_core_base_patch16_224\", \"timm_proj\": null, ",
                     "timm_pool");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"timm_model_name\": \"vit_pe_spatial_base_patch16_512\", ",
                     "vit_pe_spatial");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"timm_model_name\": \"convnextv2_base\", ",
                     "convnextv2_base");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"global_average_pool\": true, ", "global_average_pool");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"head_width\": 40, ", "does not divide");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"head_width\": 256, ", "does not divide");
    refuse_open_clip("\"vision_cfg\": {", "\"vision_cfg\": {\"mlp_ratio\": -4, ", "mlp_ratio");
    refuse_open_clip("\"heads\": 4", "\"heads\": 5", "does not divide");
    refuse_open_clip("\"embed_dim\": 48,", "", "embed_dim is missing");
    refuse_open_clip("\"quick_gelu\": true", "\"quick_gelu\": 1", "quick_gelu");
    refuse_open_clip("\"patch_size\": 8", "\"patch_size\": 700", "do not fit");
    refuse_open_clip("\"shortest\"", "\"stretch\"", "resize_mode is \"stretch\"");
    refuse_open_clip("\"bicubic\"", "\"lanczos\"", "interpolation is \"lanczos\"");
    refuse_open_clip("\"interpolation\"", "\"fill_color\": 256, \"interpolation\"", "fill_color is 256");
    refuse_open_clip("\"interpolation\"", "\"mode\": \"L\", \"interpolation\"", "mode is \"L\"");
    refuse_open_clip("0.27577711", "0", "std over 0");
    refuse_open_clip("\"vision_cfg\"", "\"vison_cfg\"", "has no model_cfg.vision_cfg");
    refuse_open_clip("{", "[", "JSON");
}

/* The numbers of PE-Core's largest model, whose pooling is another block than its own, and the epsilon, which
 * embeddings do not show. */
static void test_pe_core_sizes(void **state)
{
    (void)state;
    static const char big[] =
        "{\"model_cfg\": {\"embed_dim\": 1280, \"custom_text\": true, \"vision_cfg\": {\"timm_model_name\": "
        "\"vit_pe_core_gigantic_patch14_448\", \"timm_pool\": \"map\", \"timm_proj\": null}, \"text_cfg\": "
        "{\"context_length\": 72, \"width\": 1280, \"heads\": 20, \"layers\": 24}}}";
    nb_error err = {0};
    nb_clip_config c;
    must(nb_clip_config_parse(&c, big, strlen(big), true, "big", &err), &err);
    const nb_tower_config pool = nb_tower_pool(&c.image);
    assert_true(c.image.width == 1536 && c.image.layers == 50 && c.image.heads == 16 && c.image.mlp == 8960);
    assert_true(pool.width == 1536 && pool.heads == 8 && pool.mlp == 6144);
    assert_true(c.image_size == 448 && c.patch == 14 && c.image.rotary == 32 && nb_clip_image_rows(&c) == 32 * 32);
    assert_true(c.image.epsilon == 1e-5f && pool.epsilon == 1e-5f && c.text.epsilon == 1e-5f);
}

/* ViT-bigG's and ViT-H's numbers, defaults, GELU when nothing is said. */
static void test_open_clip_sizes(void **state)
{
    (void)state;
    static const char big[] = "{\"model_cfg\": {\"embed_dim\": 1280, \"vision_cfg\": {\"image_size\": [224, 224], "
                              "\"layers\": 48, \"width\": 1664, \"head_width\": 104, \"mlp_ratio\": 4.9231, "
                              "\"patch_size\": 14}, \"text_cfg\": {\"width\": 1280, \"heads\": 20, \"layers\": 32}}}";
    nb_error err = {0};
    nb_clip_config c;
    must(nb_clip_config_parse(&c, big, strlen(big), true, "big", &err), &err);
    assert_int_equal(c.image.heads, 16);
    assert_int_equal(c.image.mlp, 8192);
    assert_int_equal(c.text.mlp, 5120);
    assert_int_equal(c.context, 77);
    assert_int_equal(c.vocabulary, 49408);
    assert_int_equal(c.image_size, 224);
    assert_int_equal(c.image.activation, NB_GELU);
    assert_int_equal(c.end_token, NB_END_HIGHEST);
    assert_false(c.has_channels);
    assert_null(nb_known_answers_for(&c));
    /* open_clip's documented size: 2.54 thousand million */
    assert_int_equal(nb_clip_parameters(&c) / 10000000, 253);
    static const char b32[] = "{\"model_type\": \"clip\", \"text_config\": {}, \"vision_config\": {}}";
    must(nb_clip_config_parse(&c, b32, strlen(b32), false, "b32", &err), &err);
    assert_int_equal(nb_clip_parameters(&c), 151277313);
    assert_non_null(nb_known_answers_for(&c));
    static const char old[] =
        "{\"model_type\": \"clip\", \"text_config\": null, \"text_config_dict\": {\"hidden_size\": "
        "768, \"num_attention_heads\": 12}, \"vision_config\": {\"hidden_size\": 768}, "
        "\"vision_config_dict\": {\"hidden_size\": 1024, \"num_attention_heads\": 16}}";
    must(nb_clip_config_parse(&c, old, strlen(old), false, "old", &err), &err);
    assert_int_equal(c.text.width, 768);
    assert_int_equal(c.image.width, 1024);
}

static void refuse_tokenizer(const char *from, const char *to, const char *word)
{
    const char *folder = whole_folder("model.safetensors");
    put_tokenizer_json(folder, false, false);
    drop_file(folder, "vocab.json");
    edit_file(folder, "tokenizer.json", from, to);
    refuse(folder, word);
}

static void test_tokenizer_json_refusals(void **state)
{
    (void)state;
    refuse_tokenizer("\"BPE\"", "\"Unigram\"", "model.type that is not 'BPE'");
    refuse_tokenizer("\"</w>\"", "\"@@\"", "suffix '</w>'");
    refuse_tokenizer("\"end_of_word_suffix\": \"</w>\",", "", "suffix '</w>'");
    refuse_tokenizer("\"continuing_subword_prefix\": \"\"", "\"continuing_subword_prefix\": \"##\"", "suffix '</w>'");
    refuse_tokenizer("\"merges\": [", "\"merges\": [7, ", "entry 0 of model.merges");
    refuse_tokenizer("\"merges\": [", "\"merges\": [[\"a\", \"b c\"], ", "entry 0 of model.merges");
    refuse_tokenizer("\"merges\": [", "\"merges\": [[\"a\"], ", "entry 0 of model.merges");
    refuse_tokenizer("\"merges\": [", "\"merges\": [\"a b\\nc d\", ", "entry 0 of model.merges");
    refuse_tokenizer("\"merges\": [", "\"merges\": [\"qqq zzz\", ", "tokenizer.json");
    refuse_tokenizer("\"merges\": [", "\"margin\": [", "lacks model.vocab or model.merges");
    refuse_tokenizer("\"model\"", "\"modem\"", "has no object 'model'");
    refuse_tokenizer("\"id\": 999", "\"id\": 997", "\"<|endoftext|>\" has another id");
    refuse_tokenizer("\"content\": \"<|endoftext|>\"", "\"content\": \"<|pad|>\"", "the added token \"<|pad|>\"");
    refuse_tokenizer("\"id\": 999", "\"id\": \"x\"", "entry 1 of added_tokens");
    refuse_tokenizer("{", "[", "JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_index),    cmocka_unit_test(test_duplicate_tensor),
        cmocka_unit_test(test_other_models),     cmocka_unit_test(test_end_token),
        cmocka_unit_test(test_open_clip_config), cmocka_unit_test(test_open_clip_sizes),
        cmocka_unit_test(test_pe_core_sizes),    cmocka_unit_test(test_tokenizer_json_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
