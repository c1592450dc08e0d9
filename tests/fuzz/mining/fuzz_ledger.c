/* Ledgers of mining: a damaged record counts as not done, one of another run as none; whatever a record with the right
 * checksum holds, the selection is sound or refused.
 *
 * The first byte: bit 0, checksums are made right again behind the changes; bit 1, the smallest are kept; bit 2, the
 * file is cut where the next two bytes say; bits 3 to 5, how many are selected (0: a fraction). The rest changes a
 * sound ledger of two tiles, the second of few rows: place (one byte: the tile, its part), row (two bytes),
 * exclusive-or (one), where the place is the header, a column's byte, a reason, a tag, a checksum's byte, or a value
 * (seven bytes more). */
#include "fuzz/fuzz.h"

#include "common/base/file.h"
#include "mining/select/select.h"

#include <math.h>
#include <xxhash.h>

enum { TILES = 2, LAST = 9, COUNT = NB_AFFINITY_TEXTS + LAST, COLUMNS = 2, ACCEPTED = 16 };
enum { FIXED = offsetof(nb_ledger_tile, columns), RECORD = FIXED + COLUMNS * NB_AFFINITY_TEXTS * sizeof(double) };
enum { SIZE = NB_LEDGER_HEADER + TILES * RECORD, AT_COLUMN = 1, AT_REASON, AT_TAG, AT_CHECKSUM, AT_VALUE, PLACES };

static const nb_comm alone = {.handle = MPI_COMM_NULL, .size = 1};
static const nb_log silent;
static const char identity[] = "negbank mining ledger 1\nfuzz\n";
static uint8_t sound[SIZE], given[SIZE];

static void open_ledger(nb_ledger *l, bool resume)
{
    nb_error err = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/ledger", memory_folder());
    const nb_ledger_plan plan = {path, identity, COUNT, COLUMNS, resume};
    require(nb_ledger_open(l, &alone, &silent, &plan, &err) == NB_OK);
    require(l->tiles == TILES && l->record == RECORD);
}

static void make_sound(void)
{
    nb_ledger l;
    nb_error err = {0};
    nb_ledger_tile *tile = calloc(1, sizeof *tile);
    require(tile != NULL);
    open_ledger(&l, false);
    for (size_t t = 0; t < TILES; t++) {
        memset(tile, 0, sizeof *tile);
        for (size_t i = 0; i < nb_ledger_rows(&l, t); i++) {
            tile->reasons[i] = i < ACCEPTED ? NB_ACCEPTED : NB_REJECTED_STOP;
            tile->tags[i] = (uint8_t)(i % NB_TAG_COUNT);
            tile->columns[0][i] = (double)(i % 100) - 40.5;
        }
        require(nb_ledger_write(&l, t, tile, &err) == NB_OK);
    }
    require(pread(l.fd, sound, SIZE, 0) == SIZE);
    nb_ledger_close(&l);
    free(tile);
}

/* Returns how many bytes of the data it took; what it did not change is as it was. */
static size_t change(const uint8_t *data, size_t size)
{
    size_t row = ((size_t)data[1] << 8 | data[2]) % NB_AFFINITY_TEXTS, place = data[0] >> 1 & 7;
    uint8_t *record = given + NB_LEDGER_HEADER + (size_t)(data[0] & 1) * RECORD;
    if (place % PLACES == AT_VALUE) {
        memcpy(record + FIXED + row * sizeof(double), data + 3, sizeof(double) < size - 3 ? sizeof(double) : size - 3);
        return 3 + sizeof(double);
    }
    uint8_t *const at[] = {
        given + row,
        record + FIXED + row * (COLUMNS * sizeof(double)),
        record + offsetof(nb_ledger_tile, reasons) + row,
        record + offsetof(nb_ledger_tile, tags) + row,
        record + row % sizeof(uint64_t),
    };
    *at[place % PLACES] ^= data[3];
    return 4;
}

static void repair(void)
{
    for (size_t t = 0; t < TILES; t++) {
        uint8_t *record = given + NB_LEDGER_HEADER + t * RECORD;
        uint64_t sum = XXH3_64bits(record + sizeof sum, RECORD - sizeof sum);
        memcpy(record, &sum, sizeof sum);
    }
}

/* Every record is read as it was given, or not at all. True when all are done. */
static bool read_all(const nb_ledger *l, nb_ledger_tile *tiles, size_t len, bool repaired)
{
    nb_error err = {0};
    bool ours = len >= NB_LEDGER_HEADER && memcmp(given, sound, NB_LEDGER_HEADER) == 0, all = true;
    for (size_t t = 0; t < TILES; t++) {
        size_t at = NB_LEDGER_HEADER + t * RECORD;
        bool done, unchanged = memcmp(given + at, sound + at, RECORD) == 0, there = ours && len >= at + RECORD;
        require(nb_ledger_read(l, t, &tiles[t], &done, &err) == NB_OK);
        require(!done || (there && memcmp(&tiles[t], given + at, RECORD) == 0));
        require(done || !(there && unchanged));
        require(!done || unchanged || repaired);
        all = all && done;
    }
    return all;
}

static void check_selection(const nb_selection *s, const nb_ledger_tile *tiles, size_t count, bool smallest)
{
    bool seen[COUNT] = {false};
    require(s->count && s->count <= s->accepted && (!count || s->count == count));
    for (size_t i = 0; i < s->count; i++) {
        require(s->ids[i] < COUNT && !seen[s->ids[i]]);
        seen[s->ids[i]] = true;
        const nb_ledger_tile *t = &tiles[s->ids[i] / NB_AFFINITY_TEXTS];
        size_t row = (size_t)s->ids[i] % NB_AFFINITY_TEXTS;
        require(t->reasons[row] == NB_ACCEPTED && isfinite(s->values[i]) && s->values[i] == t->columns[0][row]);
        if (i && tiles[s->ids[i - 1] / NB_AFFINITY_TEXTS].tags[s->ids[i - 1] % NB_AFFINITY_TEXTS] == t->tags[row]) {
            require(smallest ? s->values[i - 1] <= s->values[i] : s->values[i - 1] >= s->values[i]);
        }
    }
}

static void select_from(const nb_ledger *l, const nb_ledger_tile *tiles, size_t count, bool smallest)
{
    nb_error err = {0};
    nb_selection s;
    const nb_selection_basis basis = {.comm = &alone, .ledger = l, .smallest = smallest};
    const nb_quota quota = {.count = count, .fraction = {1, 0.5, 0.2}};
    nb_status status = nb_select(&s, &basis, &quota, &err);
    require_message(status, &err);
    require(status == NB_OK || status == NB_ERR_NUMERIC || status == NB_ERR_INPUT || status == NB_ERR_USAGE);
    if (status == NB_OK) {
        check_selection(&s, tiles, count, smallest);
        nb_selection_free(&s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t counts[8] = {0, 1, 2, 7, 20, ACCEPTED + LAST - 1, ACCEPTED + LAST, ACCEPTED + LAST + 1};
    static nb_ledger_tile tiles[TILES];
    nb_ledger l;
    if (!sound[0]) {
        make_sound();
    }
    if (size < 3) {
        return 0;
    }
    bool repaired = data[0] & 1;
    size_t len = data[0] & 4 ? ((size_t)data[1] << 8 | data[2]) % SIZE : SIZE, count = counts[data[0] >> 3 & 7];
    memcpy(given, sound, SIZE);
    for (size_t i = 3; i + 4 <= size;) {
        i += change(data + i, size - i);
    }
    if (repaired) {
        repair();
    }
    put_file(memory_folder(), "ledger", given, len);
    open_ledger(&l, true);
    if (read_all(&l, tiles, len, repaired)) {
        select_from(&l, tiles, count, data[0] & 2);
    }
    nb_ledger_close(&l);
    return 0;
}
