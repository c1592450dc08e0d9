/** @file
 * The shape of a CLIP checkpoint: from Hugging Face's config.json or open_clip's open_clip_config.json. Nothing here is
 * collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_CONFIG_H
#define NB_COMMON_CLIP_CHECKPOINT_CONFIG_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/** The activation of a transformer's MLP. */
typedef enum nb_activation {
    NB_QUICK_GELU, /**< x sigmoid(1.702 x) */
    NB_GELU,       /**< x Phi(x) */
    NB_GELU_TANH,  /**< x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
    NB_RELU        /**< max(x, 0) */
} nb_activation;

/** Which rows of the last block become the embedding. */
typedef enum nb_pooling {
    NB_POOL_TOKEN,      /**< CLIP's: the first end token of a text, the class token of an image */
    NB_POOL_FIRST,      /**< the first row */
    NB_POOL_LAST,       /**< the last row; of a text: of the whole context, padding included */
    NB_POOL_AVERAGE,    /**< the mean over the patches, without the class token; of a text over its tokens */
    NB_POOL_ATTENTION,  /**< one query's attention over all rows, normed, and an MLP behind it (SigLIP) */
    NB_POOL_MEAN_QUERY, /**< the mean of all rows is set before them, and its attention over all of them (CLIP's
                         * ResNets)
                         */
    NB_POOL_QUERY       /**< one normed query's attention over all rows, normed, into another width (CoCa) */
} nb_pooling;

/** What the last layer norm is applied to. For pooling by one row it makes no difference. */
typedef enum nb_final_norm {
    NB_FINAL_NORM_POOLED, /**< the pooled row */
    NB_FINAL_NORM_ROWS,   /**< every row, before pooling */
    NB_FINAL_NORM_NONE    /**< nothing: there is none */
} nb_final_norm;

/** From the pooled row to the embedding. */
typedef enum nb_projection {
    NB_PROJECTION_LINEAR, /**< a matrix */
    NB_PROJECTION_BIASED, /**< a matrix and a bias */
    NB_PROJECTION_MLP,    /**< a matrix, with or without bias, GELU, a matrix */
    NB_PROJECTION_NONE    /**< nothing: the pooled row is the embedding */
} nb_projection;

/** A block's MLP. */
typedef enum nb_mlp_kind {
    NB_MLP_PLAIN,  /**< fc2(activation(fc1(x))) */
    NB_MLP_SWIGLU, /**< fc2(norm(silu(gate(x)) fc1(x))), with or without norm; the activation does not count */
    NB_MLP_GEGLU,  /**< the same with GELU in place of silu */
    NB_MLP_GATED   /**< fc2(activation(gate(x)) fc1(x)) */
} nb_mlp_kind;

struct nb_clip_config;
struct nb_layer_visitor;

enum { NB_STAGES = 5 /**< most stages of convolutions */ };

/** What an image tower convolves pixels by before its blocks, of which there may be none. */
typedef struct nb_convolutions {
    /** Lists the layers (common/clip/checkpoint/layers.h); NULL: there are none, patches are cut. */
    void (*list)(const struct nb_clip_config *config, const struct nb_layer_visitor *visitor);
    size_t stem;              /**< channels behind the first layers */
    size_t depths[NB_STAGES]; /**< blocks of each stage; 0 behind the last one */
    size_t widths[NB_STAGES]; /**< channels of each stage */
} nb_convolutions;

/** Which positions a text tower adds to its tokens. */
typedef enum nb_text_positions {
    NB_POSITIONS_LEARNED,    /**< a table */
    NB_POSITIONS_SINUSOIDAL, /**< sines, then cosines, of the place times 10000^(-i / (width / 2 - 1)) */
    NB_POSITIONS_RELATIVE    /**< none: attention adds a number for the distance of two tokens (T5) */
} nb_text_positions;

/** Which keys a CoCa text tower hides, whose class token stands behind the whole context. */
typedef enum nb_class_mask {
    NB_CLASS_MASK_SHIFTED, /**< those one place behind a padding token, as the published weights were trained */
    NB_CLASS_MASK_CORRECT  /**< those of padding tokens */
} nb_class_mask;

/** One transformer. Everything behind `epsilon` is 0 in CLIP's own towers. */
typedef struct nb_tower_config {
    size_t width, layers, heads; /**< heads divides width */
    size_t mlp;                  /**< width inside the MLP */
    nb_activation activation;    /**< of the MLP */
    float epsilon;               /**< of the layer norms */
    nb_pooling pooling;          /**< which rows become the embedding */
    nb_final_norm final_norm;    /**< what the last norm is applied to */
    nb_projection projection;    /**< from the pooled row to the embedding */
    nb_mlp_kind mlp_kind;        /**< of every block */
    bool bidirectional;          /**< text: every token sees every token, padding too; images always do so */
    bool no_class_token;         /**< image: there are only patches */
    bool no_class_position;      /**< image: the class token has no position */
    bool no_position;            /**< image: positions are not learned */
    bool no_pre_norm;            /**< image: no layer norm before the first block */
    bool patch_bias;             /**< image: the patches' projection has a bias */
    bool sum_norm;               /**< a block's norms stand behind the sums: norm(x + f(x)) */
    bool rms_norm;               /**< norms divide by the root of the mean square; they have no bias */
    bool post_norm;      /**< a block's norms stand behind attention and MLP: x + norm(f(x)), not x + f(norm(x)) */
    bool attention_norm; /**< a layer norm between attention and its output projection */
    bool mlp_norm;       /**< a layer norm before the MLP's last layer */
    bool mlp_input_norm; /**< a second layer norm before the MLP */
    bool layer_scale;    /**< what attention and MLP add is scaled, element by element */
    /** Image: rotary positions of queries and keys, made for a grid of this many patches a side and stretched to the
     * image's; 0: none. */
    size_t rotary;
    size_t rotary_first;          /**< the number of the grid's first row and column */
    bool rotary_columns_first;    /**< the first half of a head is rotated by the column, not by the row */
    size_t pool_heads, pool_mlp;  /**< NB_POOL_ATTENTION: heads and width inside the MLP; 0: those of the blocks */
    nb_convolutions convolutions; /**< image: what comes before the blocks */
    int32_t pad;                  /**< text: the token behind the end token, where that is seen */
    bool pads_left;               /**< text: it stands before the text instead */
    /** Text: padding is hidden from all others and not pooled, so that only a text's own tokens are computed. With
     * `bidirectional`. */
    bool hides_padding;
    nb_text_positions positions; /**< text */
    size_t position_rows;        /**< text: rows of the table of positions; 0: the context, and a class token */
    size_t position_first;       /**< text: the row, or place, of the first token */
    size_t relative_buckets;     /**< NB_POSITIONS_RELATIVE: kinds of distances */
    float embedding_scale;       /**< text: tokens are multiplied by it before positions are added; 0: 1 */
    size_t token_types;          /**< text: rows of a table whose first one is added to every token; 0: none */
    bool embedding_norm;         /**< text: a norm before the first block */
    bool class_token;            /**< text: one behind the context, causal, is what is read (CoCa) */
    nb_class_mask class_mask;    /**< of it */
    bool tanh_head;              /**< text: tanh of a linear layer between the pooled row and the projection (BERT) */
    size_t projection_hidden;    /**< NB_PROJECTION_MLP: width between its matrices */
    size_t pool_width;           /**< NB_POOL_QUERY: width of the pooled row */
    size_t pool_queries;         /**< NB_POOL_QUERY: queries that a checkpoint has, of which the first counts */
} nb_tower_config;

/** What a tower's MLPs activate by, for users: "gelu", "swiglu", "gated gelu_tanh". Not collective.
 * @param tower the tower
 * @return a constant text */
const char *nb_tower_activation_name(const nb_tower_config *tower);

/** Values of nb_clip_config.end_token that are no token. */
enum {
    NB_END_UNSTATED = -1, /**< the configuration names none */
    NB_END_HIGHEST = -2   /**< the highest id of the text, see end_token */
};

/** How an image is brought to the model's size. */
typedef enum nb_resize {
    NB_RESIZE_SHORTEST, /**< CLIP's: the shorter side to it, then the centre */
    NB_RESIZE_SQUASH,   /**< both sides to it, whatever their ratio */
    NB_RESIZE_LONGEST   /**< the longer side to it, and the rest filled with one colour */
} nb_resize;

/** The shape of a checkpoint. */
typedef struct nb_clip_config {
    const char *family;          /**< name of the family (common/clip/checkpoint/families/family.h) */
    nb_tower_config text, image; /**< the towers */
    size_t projection;           /**< width of the embeddings */
    size_t context;              /**< most tokens of a text, start and end included */
    size_t vocabulary;           /**< tokens */
    size_t image_size;           /**< side of an image, pixels; at most 4096 */
    size_t patch;                /**< side of a patch, pixels; what an image has over a multiple of it is not seen */
    bool open_clip;              /**< read from open_clip_config.json, or inferred */
    bool decoder;                /**< it has a decoder of text beside the towers, which is not used */
    bool inferred;               /**< from the tensors of an archive without a configuration, as OpenAI's are */
    /** Where the text is read: the first token of this id; NB_END_HIGHEST: the highest id of the text, as open_clip and
     * old Hugging Face configurations (eos_token_id 2) have it. */
    int64_t end_token;
    bool has_pixels;       /**< open_clip_config.json states how images are prepared: the next three */
    nb_resize resize;      /**< preprocess_cfg.resize_mode */
    bool bilinear;         /**< preprocess_cfg.interpolation */
    uint8_t fill;          /**< preprocess_cfg.fill_color: each channel of what NB_RESIZE_LONGEST adds */
    bool has_channels;     /**< open_clip_config.json states mean and deviation */
    float mean[3], std[3]; /**< of red, green, blue in 0..1; set with has_channels */
} nb_clip_config;

/** Reads the configuration of a checkpoint (common/clip/checkpoint/layout.h), of up to 1 MiB. An archive of
 * torch.jit.save without one has its shape inferred from its tensors, as OpenAI's build_model does.
 *
 * Keys of config.json that are absent have CLIP ViT-B/32's values, as in the transformers library; keys of
 * open_clip_config.json have the defaults of open_clip's CLIPTextCfg and CLIPVisionCfg (open_clip/model.py), GELU where
 * quick_gelu is not set.
 * @param[out] out of no use on failure
 * @param model the model's folder, or its file of weights
 * @return NB_OK, or NB_ERR_INPUT naming file, key and value for anything that no family reads (another model type,
 * image towers of other kinds, other text towers, pooling or norms than CLIP's, a size that is not in 1 to 2^20, heads
 * that do not divide the width, a patch that is larger than the image) and when the folder or the file is missing or
 * the file too long, as nb_layout_find, nb_checkpoint_open and nb_clip_config_infer, NB_ERR_IO when it cannot be read,
 * NB_ERR_LIMIT without memory */
nb_status nb_clip_config_read(nb_clip_config *out, const char *model, nb_error *err);

/** The same from the text of one of the two files.
 * @param[out] out of no use on failure
 * @param json [len] the text; only read in the call
 * @param len bytes of the text
 * @param open_clip the text is that of open_clip_config.json
 * @param path for messages
 * @return as nb_clip_config_read of the content */
nb_status nb_clip_config_parse(nb_clip_config *out, const char *json, size_t len, bool open_clip, const char *path,
                               nb_error *err);

/** The name of the file that a configuration was read from: "config.json" or "open_clip_config.json"; "the archive"
 * where it was inferred.
 * @param config as nb_clip_config_read filled it */
const char *nb_clip_config_file(const nb_clip_config *config);

/** Patches an image is cut into, without the class token.
 * @param config its image_size and patch are read */
size_t nb_clip_patches(const nb_clip_config *config);

/** Rows of the image tower: its patches and, where it has one, the class token before them.
 * @param config its image_size, patch and no_class_token are read */
size_t nb_clip_image_rows(const nb_clip_config *config);

/** Most rows of a text: the context and, where the tower has one, the class token behind it.
 * @param config its context and text tower are read */
size_t nb_clip_text_rows(const nb_clip_config *config);

/** The shape of what NB_POOL_ATTENTION pools by: a block of the tower's width, plain but for its heads and MLP.
 * @param tower its width, activation, epsilon, heads, mlp, pool_heads and pool_mlp are read */
nb_tower_config nb_tower_pool(const nb_tower_config *tower);

/** Refuses a tower that goes beyond CLIP's own, for what is written for these alone.
 * @param tower its parts
 * @param which "text" or "image"
 * @param what is written for CLIP's towers alone, "gradients"
 * @return NB_OK, or NB_ERR_INPUT naming the part that it has beyond them */
nb_status nb_tower_must_be_clip(const nb_tower_config *tower, const char *which, const char *what, nb_error *err);

#endif
