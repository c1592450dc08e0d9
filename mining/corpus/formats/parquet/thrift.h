/** @file
 * Thrift's compact protocol, as far as Parquet's metadata need it: a reader over bytes in memory that never leaves
 * them.
 *
 * A failure sticks: the reader stands still from then on, gives zeros, and `wrong` says why; so callers read a whole
 * struct and look once. Lists and structs nest at most NB_THRIFT_DEPTH_MAX deep. Nothing here is collective. */
#ifndef NB_MINING_CORPUS_FORMATS_PARQUET_THRIFT_H
#define NB_MINING_CORPUS_FORMATS_PARQUET_THRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NB_THRIFT_DEPTH_MAX = 32 }; /**< of what is passed over */

/** Types as they stand in the bytes. */
typedef enum nb_thrift_type {
    NB_THRIFT_TRUE = 1,
    NB_THRIFT_FALSE,
    NB_THRIFT_BYTE,
    NB_THRIFT_I16,
    NB_THRIFT_I32,
    NB_THRIFT_I64,
    NB_THRIFT_DOUBLE,
    NB_THRIFT_BINARY,
    NB_THRIFT_LIST,
    NB_THRIFT_SET,
    NB_THRIFT_MAP,
    NB_THRIFT_STRUCT,
    NB_THRIFT_UUID
} nb_thrift_type;

/** Where the reading stands. Start from {.at, .end}; copies read on by themselves. */
typedef struct nb_thrift {
    const unsigned char *at, *end; /**< bytes not read yet; borrowed */
    const char *wrong;             /**< NULL, or what is wrong */
    bool cut;                      /**< it is that the bytes end too early */
} nb_thrift;

/** A field of a struct. Start a struct from {0}. */
typedef struct nb_thrift_field {
    int id;
    nb_thrift_type type;
} nb_thrift_field;

/** An unsigned number of 7 bits a byte, the lowest first.
 * @param t the reader
 * @return the number, 0 on failure */
uint64_t nb_thrift_varint(nb_thrift *t);

/** The next field of a struct.
 * @param t the reader
 * @param field the one before, {0} at first; becomes the next
 * @return false at the end of the struct and on failure */
bool nb_thrift_next(nb_thrift *t, nb_thrift_field *field);

/** The value of a field that is a whole number; a value of another type is a failure.
 * @param t the reader
 * @param field as nb_thrift_next gave it
 * @return the number, 0 on failure */
int64_t nb_thrift_int(nb_thrift *t, const nb_thrift_field *field);

/** The value of a field that is true or false; a value of another type is a failure.
 * @param t the reader
 * @param field as nb_thrift_next gave it
 * @return the value, false on failure */
bool nb_thrift_bool(nb_thrift *t, const nb_thrift_field *field);

/** Bytes of a field or of an element of a list.
 * @param t the reader
 * @param type its type; another than binary is a failure
 * @param len becomes how many
 * @return the bytes, borrowed; "" on failure */
const char *nb_thrift_binary(nb_thrift *t, nb_thrift_type type, size_t *len);

/** The head of a list.
 * @param t the reader
 * @param field as nb_thrift_next gave it; another type than a list is a failure
 * @param type becomes that of the elements
 * @return elements, no more than there are bytes left; 0 on failure */
size_t nb_thrift_list(nb_thrift *t, const nb_thrift_field *field, nb_thrift_type *type);

/** Passes over a value.
 * @param t the reader
 * @param type its type, as a field has it */
void nb_thrift_skip(nb_thrift *t, nb_thrift_type type);

#endif
