/** @file
 * Python's pickles read as data. The few operations that torch.save and torch.jit.save write are known (protocols 2 and
 * 3); what would be a call in Python becomes a value that says which function and which arguments. Nothing is imported,
 * nothing is called.
 *
 * A pickle is looked through once before anything is made of it: an operation that is not known, or a global name that
 * the caller does not allow, refuses the whole. Limits: NB_PICKLE_VALUES_MAX values. Nothing here is collective. */
#ifndef NB_COMMON_CLIP_CHECKPOINT_PICKLE_PICKLE_H
#define NB_COMMON_CLIP_CHECKPOINT_PICKLE_PICKLE_H

#include "common/base/memory.h"

enum { NB_PICKLE_VALUES_MAX = 1 << 20 /**< most values, and most numbers of the memo */ };

/** What a value is. */
typedef enum nb_pickle_kind {
    NB_PICKLE_NONE,      /**< None */
    NB_PICKLE_BOOL,      /**< integer: 0 or 1 */
    NB_PICKLE_INT,       /**< integer */
    NB_PICKLE_REAL,      /**< a float, whose value nobody asks for */
    NB_PICKLE_TEXT,      /**< text [len], any bytes */
    NB_PICKLE_TUPLE,     /**< items */
    NB_PICKLE_LIST,      /**< items */
    NB_PICKLE_DICT,      /**< items: keys and values in turn; an OrderedDict too */
    NB_PICKLE_NAME,      /**< a global: text [len] is "module\nname" */
    NB_PICKLE_CALL,      /**< a call that was not made: callee and argument */
    NB_PICKLE_OBJECT,    /**< an instance: callee is its class, argument its state where has_state */
    NB_PICKLE_PERSISTENT /**< what lies outside the pickle: argument */
} nb_pickle_kind;

/** A value; others are named by their numbers (nb_pickle_at). Text is borrowed from the pickle's bytes. */
typedef struct nb_pickle_value {
    nb_pickle_kind kind;       /**< decides which of the rest is set */
    int64_t integer;           /**< of a BOOL or an INT */
    const char *text;          /**< [len] of a TEXT or a NAME */
    size_t len;                /**< bytes of the text */
    uint32_t *items;           /**< [count] */
    size_t count, capacity;    /**< of the items */
    uint32_t callee, argument; /**< of a CALL, an OBJECT or a PERSISTENT */
    bool has_state;            /**< of an OBJECT */
} nb_pickle_value;

/** What may be done with a global name. */
typedef enum nb_pickle_use {
    NB_PICKLE_REFUSED, /**< nothing: the pickle is refused */
    NB_PICKLE_STANDS,  /**< it may stand as a value */
    NB_PICKLE_CALLED,  /**< it may be called: a CALL */
    NB_PICKLE_MAPPING, /**< called without arguments it is a DICT */
    NB_PICKLE_CLASS    /**< it may have instances: OBJECT */
} nb_pickle_use;

/** Decides about a global name.
 * @param name [len] "module\nname"
 * @param len bytes */
typedef nb_pickle_use (*nb_pickle_rule)(const char *name, size_t len);

/** Where a pickle is read from. Borrowed. */
typedef struct nb_pickle_source {
    const unsigned char *bytes; /**< [len]; a pickle ends inside them */
    size_t len;                 /**< bytes */
    const char *path;           /**< of the file, for messages */
    nb_pickle_rule rule;        /**< about its names */
} nb_pickle_source;

/** A pickle that was read. */
typedef struct nb_pickle {
    nb_pickle_value *values; /**< [count] */
    size_t count, capacity;  /**< of the values */
    uint32_t root;           /**< the value it stands for */
} nb_pickle;

/** Looks whether all operations and names of a pickle are allowed.
 * @param source the pickle is at its beginning
 * @param[out] used bytes of the pickle
 * @return NB_OK, or NB_ERR_INPUT naming the file, and the operation or the name, also when the bytes end before the
 * pickle */
nb_status nb_pickle_scan(const nb_pickle_source *source, size_t *used, nb_error *err);

/** Reads a pickle that nb_pickle_scan let pass.
 * @param[out] out freed by nb_pickle_free; {0} on failure
 * @param source as nb_pickle_scan got it; its bytes must outlive `out`
 * @return NB_OK, or NB_ERR_INPUT naming the file and the place of an operation that lacks what it works on or calls
 * what may not be called, NB_ERR_LIMIT over a limit or without memory */
nb_status nb_pickle_read(nb_pickle *out, const nb_pickle_source *source, nb_error *err);

/** Value i.
 * @param pickle owns it
 * @param i as another value names it */
const nb_pickle_value *nb_pickle_at(const nb_pickle *pickle, uint32_t i);

/** Whether a value is a TEXT or a NAME of exactly this text.
 * @param value any
 * @param kind NB_PICKLE_TEXT or NB_PICKLE_NAME
 * @param text ends with a NUL */
bool nb_pickle_is(const nb_pickle_value *value, nb_pickle_kind kind, const char *text);

/** The value of a text key; the last where there are several, as in Python. NULL: there is none.
 * @param pickle owns both
 * @param dict a DICT
 * @param key ends with a NUL */
const nb_pickle_value *nb_pickle_get(const nb_pickle *pickle, const nb_pickle_value *dict, const char *key);

/** Frees the values and clears the struct. Takes {0}.
 * @param pickle as nb_pickle_read left it, or {0} */
void nb_pickle_free(nb_pickle *pickle);

#endif
