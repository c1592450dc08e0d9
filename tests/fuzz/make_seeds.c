/* Writes the seeds of the fuzzers into DIRECTORY/NAME/..., NAME the fuzzer's: small sound inputs of every structure it
 * knows, so that a run need not find them first. tests/fuzz/corpus holds what `make_seeds tests/fuzz/corpus` wrote. */
#include "common/base/file.h"
#include "common/base/memory.h"

#include <assert.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>
/* after stdio.h, which it needs */
#include <jpeglib.h>

enum { SIDE = 12 };

static const char *target;

static void save(const char *fuzzer, const char *name, const void *bytes, size_t len)
{
    nb_error err = {0};
    char folder[512], path[640];
    snprintf(folder, sizeof folder, "%s/%s", target, fuzzer);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (nb_make_directories(folder, &err) != NB_OK || nb_file_write(path, true, bytes, len, &err) != NB_OK) {
        fprintf(stderr, "error: %s\n", err.message);
        exit(1);
    }
}

/* The seed of a fuzzer whose first byte chooses what is tried. */
static void save_choice(const char *fuzzer, const char *name, unsigned char choice, const void *bytes, size_t len)
{
    unsigned char *all = malloc(len + 1);
    if (!all) {
        exit(1);
    }
    all[0] = choice;
    memcpy(all + 1, bytes, len);
    save(fuzzer, name, all, len + 1);
    free(all);
}

/* ---- images ---- */

/* A slope with a corner, so that every coder has something to do. */
static void draw(unsigned char *out, size_t channels)
{
    for (size_t y = 0; y < SIDE; y++) {
        for (size_t x = 0; x < SIDE; x++) {
            for (size_t c = 0; c < channels; c++) {
                *out++ = (unsigned char)(x > 8 && y > 8 ? 255 - 40 * c : 12 * x + 7 * y + 30 * c);
            }
        }
    }
}

static void make_jpeg(const char *name, int channels, J_COLOR_SPACE space, bool progressive)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned char pixels[SIDE * SIDE * 4], *bytes = NULL;
    unsigned long len = 0;
    char both[32];
    draw(pixels, (size_t)channels);
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &bytes, &len);
    info.image_width = info.image_height = SIDE;
    info.input_components = channels;
    info.in_color_space = space;
    jpeg_set_defaults(&info);
    if (progressive) {
        jpeg_simple_progression(&info);
    }
    info.restart_interval = progressive ? 0 : 2;
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = pixels + (size_t)info.next_scanline * SIDE * (size_t)channels;
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    save("jpeg", name, bytes, len);
    snprintf(both, sizeof both, "%s.jpg", name);
    save("image", both, bytes, len);
    free(bytes);
}

static void put_png(png_structp png, png_bytep bytes, size_t len)
{
    nb_error err = {0};
    if (nb_buffer_append(png_get_io_ptr(png), bytes, len, &err) != NB_OK) {
        png_error(png, "no memory");
    }
}

static void make_png(const char *name, int type, int depth, bool interlaced)
{
    nb_buffer out = {0};
    unsigned char pixels[SIDE * SIDE * 8];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color palette[16];
    char both[32];
    draw(pixels, 8);
    for (size_t i = 0; i < 16; i++) {
        palette[i] = (png_color){(png_byte)(16 * i), (png_byte)(255 - i), (png_byte)(3 * i)};
    }
    png_set_write_fn(png, &out, put_png, NULL);
    png_set_IHDR(png, info, SIDE, SIDE, depth, type, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, palette, 16);
    }
    png_write_info(png, info);
    for (int pass = png_set_interlace_handling(png); pass > 0; pass--) {
        for (size_t y = 0; y < SIDE; y++) {
            png_write_row(png, pixels + y * SIDE * 8);
        }
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    save("png", name, out.data, out.len);
    snprintf(both, sizeof both, "%s.png", name);
    save("image", both, out.data, out.len);
    nb_buffer_free(&out);
}

static void put(nb_buffer *b, const void *bytes, size_t len)
{
    nb_error err = {0};
    if (nb_buffer_append(b, bytes, len, &err) != NB_OK) {
        exit(1);
    }
}

static void put_le(nb_buffer *b, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        put(b, &(unsigned char){(unsigned char)(value >> (8 * i))}, 1);
    }
}

/* An animation of one frame around the image chunk of a still file ("RIFF" size "WEBP" chunk). */
static void make_animation(const unsigned char *still, size_t len)
{
    nb_buffer b = {0};
    uint32_t chunk = (uint32_t)(len - 12);
    put(&b, "RIFF", 4);
    put_le(&b, 4 + 18 + 14 + 24 + chunk, 4);
    put(&b, "WEBPVP8X", 8);
    put_le(&b, 10, 4);
    put_le(&b, 2, 4); /* it has an animation */
    put_le(&b, SIDE + 3, 3);
    put_le(&b, SIDE + 3, 3);
    put(&b, "ANIM", 4);
    put_le(&b, 6, 4);
    put_le(&b, 0, 4);
    put_le(&b, 0, 2);
    put(&b, "ANMF", 4);
    put_le(&b, 16 + chunk, 4);
    put_le(&b, 1, 3); /* at 2, 2 */
    put_le(&b, 1, 3);
    put_le(&b, SIDE - 1, 3);
    put_le(&b, SIDE - 1, 3);
    put_le(&b, 100, 3);
    put_le(&b, 0, 1);
    put(&b, still + 12, chunk);
    save("webp", "animated", b.data, b.len);
    save("image", "animated.webp", b.data, b.len);
    nb_buffer_free(&b);
}

static void make_webp(void)
{
    unsigned char pixels[SIDE * SIDE * 4];
    uint8_t *bytes = NULL;
    draw(pixels, 3);
    size_t len = WebPEncodeRGB(pixels, SIDE, SIDE, SIDE * 3, 50, &bytes);
    save("webp", "lossy", bytes, len);
    save("image", "lossy.webp", bytes, len);
    WebPFree(bytes);
    len = WebPEncodeLosslessRGB(pixels, SIDE, SIDE, SIDE * 3, &bytes);
    save("webp", "lossless", bytes, len);
    make_animation(bytes, len);
    WebPFree(bytes);
    draw(pixels, 4);
    len = WebPEncodeRGBA(pixels, SIDE, SIDE, SIDE * 4, 50, &bytes);
    save("webp", "alpha", bytes, len);
    WebPFree(bytes);
}

/* ---- tar ---- */

static void put_member(nb_buffer *b, const char *name, char type, const char *content)
{
    static const unsigned char zeros[512];
    unsigned char h[512] = {0};
    char number[24];
    unsigned sum = 0;
    size_t len = strlen(content);
    memcpy(h, name, strnlen(name, 100));
    memcpy(h + 100, "0000644\0000000000\0000000000", 24);
    snprintf(number, sizeof number, "%011zo", len);
    memcpy(h + 124, number, 12);
    memcpy(h + 136, "00000000000", 12);
    memset(h + 148, ' ', 8);
    h[156] = (unsigned char)type;
    memcpy(h + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof h; i++) {
        sum += h[i];
    }
    snprintf((char *)h + 148, 8, "%06o", sum);
    put(b, h, sizeof h);
    put(b, content, len);
    put(b, zeros, (512 - len % 512) % 512);
}

static void make_tars(void)
{
    static const char zeros[1024], *const suffixes[] = {"cls", "txt", "json"};
    static const char *const labels[] = {"7\n", "a class", "{\"label\": 5}"};
    for (unsigned char i = 0; i < 3; i++) {
        nb_buffer b = {0};
        char name[32];
        put_member(&b, "a/", '5', "");
        put_member(&b, "a/1.jpg", '0', "not quite an image");
        snprintf(name, sizeof name, "a/1.%s", suffixes[i]);
        put_member(&b, name, '0', labels[i]);
        put_member(&b, "pax", 'x', "21 path=a/\xc3\xa4\xc3\xb6\xc3\xbc.png\n");
        put_member(&b, "a/x.png", '0', "another");
        put_member(&b, "l.png", '2', "");
        put_member(&b, "../3.webp", '0', "outside");
        put(&b, zeros, sizeof zeros);
        save_choice("tar", suffixes[i], i, b.data, b.len);
        nb_buffer_free(&b);
    }
}

/* ---- text ---- */

static void text(const char *fuzzer, const char *name, unsigned char choice, const char *content, size_t len)
{
    save_choice(fuzzer, name, choice, content, len);
}

#define TEXT(fuzzer, name, choice, content) text(fuzzer, name, choice, content, sizeof(content) - 1)

static void make_texts(void)
{
    TEXT("safetensors", "two", 1,
         "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[8,10]}}\0ABCDEFGHIJ");
    TEXT("safetensors", "whole", 0,
         "\x3b\0\0\0\0\0\0\0{\"x\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}     ab");
    TEXT("tokenizer", "text", 0, "The cat's 3 hats &amp; <|endoftext|> \xc3\x84pfel");
    TEXT("tokenizer", "files", 1, "{\"ab\": 0, \"th\": 1}\0#version: 0.2\na b\nt h\n");
    TEXT("checkpoint", "config", 0,
         "{\"projection_dim\":4,\"text_config\":{\"hidden_size\":4,\"intermediate_size\":8,\"num_attention_heads\":2,"
         "\"num_hidden_layers\":1,\"max_position_embeddings\":9,\"vocab_size\":600},\"vision_config\":{\"hidden_size\":"
         "4,\"intermediate_size\":8,\"num_attention_heads\":2,\"num_hidden_layers\":1,\"image_size\":8,\"patch_size\":"
         "4}}");
    TEXT("checkpoint", "open_clip", 1,
         "{\"model_cfg\":{\"embed_dim\":4,\"vision_cfg\":{\"image_size\":8,\"layers\":1,\"width\":64,\"patch_size\":4},"
         "\"text_cfg\":{\"context_length\":9,\"vocab_size\":600,\"width\":64,\"heads\":1,\"layers\":1}}}");
    TEXT("checkpoint", "tokenizer", 2,
         "{\"model\":{\"type\":\"BPE\",\"end_of_word_suffix\":\"</w>\",\"vocab\":{\"a\":0,\"b</w>\":1,\"ab</w>\":2},"
         "\"merges\":[\"a b</w>\"]},\"added_tokens\":[{\"id\":3,\"content\":\"<|endoftext|>\"}]}");
    TEXT("checkpoint", "shards", 3,
         "{\"metadata\":{},\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\"}}");
    TEXT("clip_config", "config", 0,
         "{\"projection_dim\":4,\"text_config\":{\"hidden_size\":4,\"intermediate_size\":8,\"num_attention_heads\":2,"
         "\"num_hidden_layers\":1},\"vision_config\":{\"hidden_size\":4,\"intermediate_size\":8,"
         "\"num_attention_heads\":2,\"num_hidden_layers\":1,\"image_size\":8,\"patch_size\":4}}");
    TEXT(
        "clip_config", "preprocessor", 1,
        "{\"crop_size\":224,\"do_resize\":true,\"size\":{\"shortest_edge\":224},\"resample\":3,\"image_mean\":[0.4,0.4,"
        "0.4],\"image_std\":[0.2,0.2,0.2],\"rescale_factor\":0.00392}");
    TEXT(
        "clip_config", "open_clip", 'o',
        "{\"model_cfg\":{\"embed_dim\":4,\"quick_gelu\":false,\"vision_cfg\":{\"image_size\":8,\"layers\":1,\"width\":"
        "64,"
        "\"patch_size\":4,\"pool_type\":\"avg\",\"no_ln_pre\":true,\"ls_init_value\":1,\"norm_kwargs\":{\"eps\":1e-6}},"
        "\"text_cfg\":{\"context_length\":9,\"vocab_size\":600,\"width\":64,\"heads\":1,\"layers\":1,"
        "\"no_causal_mask\":true,\"pool_type\":\"last\",\"act_kwargs\":{\"approximate\":\"tanh\"},\"proj_bias\":true}}"
        "}");
    TEXT("clip_config", "trunk", 'o',
         "{\"model_cfg\":{\"embed_dim\":4,\"custom_text\":true,\"vision_cfg\":{\"image_size\":224,\"timm_model_name\":"
         "\"eva02_base_patch16_clip_224\",\"timm_pool\":\"token\",\"timm_proj\":null},\"text_cfg\":{\"width\":64,"
         "\"pool_type\":\"eos\",\"eos_id\":7}}}");
    TEXT("clip_config", "pe_core", 'o',
         "{\"model_cfg\":{\"embed_dim\":4,\"custom_text\":true,\"vision_cfg\":{\"image_size\":384,\"timm_model_name\":"
         "\"vit_pe_core_tiny_patch16_384\",\"timm_pool\":\"map\",\"timm_proj\":null},\"text_cfg\":{\"width\":64,"
         "\"context_length\":32}}}");
    TEXT("config", "run_file", 0,
         "mine:\n  count: 10\n  criterion: dnm\nembed.text.prompt: [a, b]\nscore:\n  seed: $HOME\n");
    TEXT("config", "words", 1, "--model\nm\n-o\nout.nbe\nC.nbc\0embed:\n  text:\n    store: fp16\n");
    TEXT("corpus", "lines", 0, "a cat\n  two   words\n\xc3\xa9t\xc3\xa9\na cat\n");
    TEXT("corpus", "wordnet", 1, "00001 03 n 01 tabby_cat 0 000 | a cat\nabacus n 2 3 @ ~ %p 2 0 02 03\n");
    TEXT("image_list", "labels", 0, "# a list\na.png 3\na.png -1\n\nb 7\n");
    TEXT("ledger", "unchanged", 0, "\0\0");
    TEXT("ledger", "cut", 4, "\x40\0");
    TEXT("ledger", "header", 0, "\0\0\0\0\5\1");
    TEXT("ledger", "damaged", 8, "\0\0\2\0\7\1\4\0\3\1\6\0\4\2\10\0\1\x80");
    TEXT("ledger", "repaired", 9, "\0\0\2\0\7\1\5\0\3\1\6\0\4\2\10\0\1\x80\12\0\4\0\0\0\0\0\0\xf0\x7f");
    TEXT("ledger", "fraction", 3, "\0\0\12\0\4\0\0\0\0\0\0\x35\x40");
    TEXT("manifest", "mixed", '#',
         " all\n73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac  a.txt\n*.gz\n"
         "s3://bucket/c.txt\nhttps://u:p@example.org/c.txt.gz?key=1\n");
    TEXT("marks", "file", 0, "negbank image marks 1 0123\n\1\0\2");
    TEXT("marks", "no_digest", 1, "negbank image marks 1 0123\n\1\0\2");
    TEXT("marks", "marks", 2, "\1\2\0\1\377\3");
    TEXT("marks", "changed", 3, "\127\1\130\2");
    TEXT("npy", "header", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }          \n\0ABCDEFGH");
    TEXT("score_file", "rows", '#',
         " negbank scores\nimage\tlabel\tclass\tscore\tood_score\na.jpg\t0\t0\t0.75\t0.25\nb.jpg\t-1\t2\t0.5\t0.5\n");
    TEXT("seal", "sealed", 1, "\0\3\0\1\0\5the bytes of a file");
    TEXT("store", "changes", 0, "\1\0\1\2\0\4");
    TEXT("store", "bank", 6, "\4\0\1");
    TEXT("store", "long_corpus", 3, "\4\0\1\300\7\2");
    TEXT("store", "scores", 7, "\2\0\1\301\0\20");
    TEXT("structure", "store", 0, "\0\140\0\1");
    TEXT("structure", "store_half", 1, "\1\0\43\1");
    TEXT("structure", "corpus", 2, "\2\0\61\377");
    TEXT("structure", "long_corpus", 3, "\3\0\42\7");
    TEXT("structure", "bank", 4, "\0\100\66\5");
    TEXT("structure", "bank_half", 5, "\0\100\66\5");
    TEXT("structure", "bank_codes", 6, "\4\0\30\1");
    TEXT("structure", "scores", 7, "\0\310\21\1");
    TEXT("url", "http", 'h', "ttp://user:p%40ss@[::1]:8080/a/b.nbank?key=1#x\n../c");
    TEXT("url", "s3", 's', "3://bucket/a b?c\nd/e.txt");
}

/* A whole state of the model of tests/fuzz/mining/fuzz_state.c, but for its digest; and its description alone. */
static void make_states(void)
{
    static const char about[] = "{\"format\":1,\"step\":2,\"configuration\":\"model=0123456789abcdef\\nlabel 0=a "
                                "cat\\nbatch=2\\nsteps=9\\n\",\"log\":\"step\\tloss\\n1\\t0.5\\n\",\"digest\":\""
                                "0000000000000000000000000000000000000000000000000000000000000000\"}";
    static const char header[] = "{\"weights\":{\"dtype\":\"F32\",\"shape\":[51],\"data_offsets\":[0,204]},\"m\":{"
                                 "\"dtype\":\"F32\",\"shape\":[51],\"data_offsets\":[204,408]},\"v\":{\"dtype\":"
                                 "\"F32\",\"shape\":[51],\"data_offsets\":[408,612]},\"about\":{\"dtype\":\"U8\","
                                 "\"shape\":[202],\"data_offsets\":[612,814]}}";
    static const unsigned char numbers[3 * 51 * 4];
    static_assert(sizeof about - 1 == 202, "the header says so");
    nb_buffer b = {0};
    put_le(&b, sizeof header - 1, 4);
    put_le(&b, 0, 4);
    put(&b, header, sizeof header - 1);
    put(&b, numbers, sizeof numbers);
    put(&b, about, sizeof about - 1);
    save_choice("state", "file", 0, b.data, b.len);
    save_choice("state", "file-repaired", 1, b.data, b.len);
    for (unsigned char i = 2; i < 4; i++) {
        nb_buffer_clear(&b);
        put(&b, "", 1);
        put(&b, about, sizeof about - 1);
        save_choice("state", i == 2 ? "about-repaired" : "about", i, b.data, b.len);
    }
    nb_buffer_free(&b);
}

int main(int argc, char *argv[])
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_seeds DIRECTORY\n");
        return 2;
    }
    target = argv[1];
    make_jpeg("grey", 1, JCS_GRAYSCALE, false);
    make_jpeg("rgb", 3, JCS_RGB, false);
    make_jpeg("progressive", 3, JCS_RGB, true);
    make_jpeg("cmyk", 4, JCS_CMYK, false);
    make_png("rgb", PNG_COLOR_TYPE_RGB, 8, false);
    make_png("grey-16", PNG_COLOR_TYPE_GRAY, 16, false);
    make_png("alpha-interlaced", PNG_COLOR_TYPE_RGB_ALPHA, 8, true);
    make_png("palette", PNG_COLOR_TYPE_PALETTE, 4, false);
    make_webp();
    make_tars();
    make_texts();
    make_states();
    return 0;
}
