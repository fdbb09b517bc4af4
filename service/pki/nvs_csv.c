/* The generator's CSV: a head line, then "name,namespace,," and "key,data|file,encoding,value". A
 * value may stand in quotes, with "" for a quote, as spreadsheets write it. Stricter than the tool:
 * numbers that do not fit, names that are too long and keys that come twice are refused. */
#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "service/pki/nvs_page.h"

enum { FIELDS = 4, WORD = 40, VALUE_MAX = 64 * 1024 };
enum { F_KEY, F_TYPE, F_ENCODING, F_VALUE };

struct csv {
    const char *p, *end;
    unsigned line;          /* of the row just read */
    struct buf row[FIELDS]; /* may hold secrets */
    nvs_file_fn file;
    void *arg;
    struct nvs *out;
    size_t room; /* bytes of the largest partition that the rows so far leave */
};

static const struct {
    const char *name;
    enum nvs_type type;
} encodings[] = {
    {"u8", NVS_U8},         {"i8", NVS_I8},       {"u16", NVS_U16},      {"i16", NVS_I16},
    {"u32", NVS_U32},       {"i32", NVS_I32},     {"u64", NVS_U64},      {"i64", NVS_I64},
    {"string", NVS_STRING}, {"binary", NVS_BLOB}, {"hex2bin", NVS_BLOB}, {"base64", NVS_BLOB},
};

static enum err bad(const struct csv *c, const char *why, const char *value)
{
    return err_fail(ERR_ARG, "bad_csv", "A row is: key, type, encoding, value.",
                    "line %u: %s%s%.40s%s", c->line, why, value ? " \"" : "", value ? value : "",
                    value ? "\"" : "");
}

/* Each row takes an entry, and its data more of them. Many rows may name one large file. */
static enum err take_room(struct csv *c, size_t entries)
{
    size_t bytes = entries * NVS_ENTRY;
    if (bytes > c->room)
        return err_fail(ERR_TOO_LARGE, "nvs_full", "Leave out what the board does not need.",
                        "up to line %u there is more than an NVS partition can hold", c->line);
    c->room -= bytes;
    return ERR_OK;
}

static const char *field(const struct csv *c, int i)
{
    return buf_str(&c->row[i]);
}

/* One field, up to the comma or the end of the line behind it. @return ERR_OK, ERR_ARG, ERR_MEM */
static enum err read_field(struct csv *c, struct buf *out)
{
    bool quoted = c->p < c->end && *c->p == '"';
    enum err e = ERR_OK;
    c->p += quoted;
    for (; c->p < c->end && !e; c->p++) {
        if (quoted && *c->p == '"') {
            if (c->p + 1 == c->end || c->p[1] != '"') break;
            c->p++; /* the first of two */
        } else if (!quoted && strchr(",\r\n", *c->p)) {
            break;
        }
        e = *c->p ? buf_append(out, c->p, 1) : bad(c, "a NUL byte", NULL);
    }
    if (e || !quoted) return e;
    if (c->p == c->end) return bad(c, "a quote is not closed", NULL);
    c->p++;
    return ERR_OK;
}

/* The next row that is not empty. Fields after the fourth are ignored, as the tool does.
 * @return ERR_OK, ERR_NOT_FOUND at the end, ERR_ARG, ERR_MEM */
static enum err read_row(struct csv *c)
{
    struct buf spare;
    buf_init_secret(&spare, VALUE_MAX);
    for (int i = 0; i < FIELDS; i++)
        buf_reset(&c->row[i]);
    enum err e = ERR_OK;
    for (; c->p < c->end && strchr("\r\n", *c->p); c->p++)
        c->line += *c->p == '\n';
    if (c->p == c->end) return ERR_NOT_FOUND;
    for (int i = 0; !e; i++) {
        buf_reset(&spare);
        e = read_field(c, i < FIELDS ? &c->row[i] : &spare);
        if (e || c->p == c->end || *c->p != ',') break;
        c->p++;
    }
    buf_dispose(&spare);
    if (!e && c->p < c->end && !strchr("\r\n", *c->p)) e = bad(c, "text behind a quote", NULL);
    return e;
}

/* As Python's int() reads it: decimal, signs, blanks around. */
static enum err parse_number(const struct csv *c, enum nvs_type type, uint64_t *out)
{
    const char *text = field(c, F_VALUE);
    char *end = NULL;
    while (isspace((unsigned char)*text))
        text++;
    bool negative = *text == '-';
    const char *digits = text + (negative || *text == '+');
    errno = 0;
    if (!isdigit((unsigned char)*digits)) return bad(c, "not a number:", text);
    unsigned long long v = strtoull(digits, &end, 10);
    while (isspace((unsigned char)*end))
        end++;
    if (*end) return bad(c, "not a number:", text);
    bool is_signed = type & 0x10;
    uint64_t limit = is_signed ? (uint64_t)INT64_MAX + negative : negative ? 0 : UINT64_MAX;
    if (errno || v > limit) return bad(c, "the number does not fit:", text);
    *out = negative ? 0 - (uint64_t)v : (uint64_t)v;
    return ERR_OK;
}

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9') return ch - '0';
    ch = (char)tolower((unsigned char)ch);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static enum err decode_hex(const struct csv *c, const char *text, size_t n, struct buf *out)
{
    while (n && isspace((unsigned char)text[0]))
        text++, n--;
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    if (n % 2) return bad(c, "an odd number of hexadecimal digits", NULL);
    for (size_t i = 0; i < n; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return bad(c, "not hexadecimal", NULL);
        uint8_t byte = (uint8_t)(high << 4 | low);
        enum err e = buf_append(out, &byte, 1);
        if (e) return e;
    }
    return ERR_OK;
}

static enum err decode_base64(const struct csv *c, const char *text, size_t n, struct buf *out)
{
    EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
    uint8_t *bytes = malloc(n + 4);
    int len = 0, tail = 0;
    enum err e = ctx && bytes ? ERR_OK : err_set(ERR_MEM, "out of memory");
    if (!e) {
        EVP_DecodeInit(ctx);
        bool good = EVP_DecodeUpdate(ctx, bytes, &len, (const uint8_t *)text, (int)n) >= 0 &&
                    EVP_DecodeFinal(ctx, bytes + len, &tail) == 1;
        e = good ? ERR_OK : bad(c, "not base64", NULL);
    }
    if (!e && len + tail) e = buf_append(out, bytes, (size_t)len + (size_t)tail);
    if (bytes) explicit_bzero(bytes, n + 4);
    free(bytes);
    EVP_ENCODE_CTX_free(ctx);
    return e;
}

/* The text of the value: the field itself, or the file that it names. */
static enum err value_text(const struct csv *c, const uint8_t **data, size_t *n)
{
    *data = (const uint8_t *)field(c, F_VALUE);
    *n = c->row[F_VALUE].len;
    if (strcmp(field(c, F_TYPE), "data") == 0) return ERR_OK;
    if (strcmp(field(c, F_TYPE), "file") != 0)
        return bad(c, "the type is namespace, data or file, not", field(c, F_TYPE));
    enum err e = c->file ? c->file(field(c, F_VALUE), data, n, c->arg) : ERR_NOT_FOUND;
    if (e != ERR_NOT_FOUND) return e;
    return err_fail(ERR_ARG, "nvs_file_missing", "Send it as a part of this name.",
                    "line %u names the file \"%.80s\", which is not there", c->line,
                    field(c, F_VALUE));
}

static enum err add_bytes(struct csv *c, const char *space, const char *encoding,
                          enum nvs_type type)
{
    const uint8_t *data;
    size_t n;
    struct buf decoded;
    bool coded = type == NVS_BLOB && strcmp(encoding, "binary") != 0;
    enum err e = value_text(c, &data, &n);
    if (!e) e = take_room(c, nvs_data_entries(coded ? n / 2 : n));
    if (e) return e;
    buf_init_secret(&decoded, n + 1);
    const char *text = (const char *)data;
    if (strcmp(encoding, "hex2bin") == 0)
        e = decode_hex(c, text, n, &decoded);
    else if (strcmp(encoding, "base64") == 0)
        e = decode_base64(c, text, n, &decoded);
    else if (n)
        e = buf_append(&decoded, data, n);
    if (!e) e = nvs_add(c->out, space, field(c, F_KEY), type, 0, decoded.data, decoded.len);
    buf_dispose(&decoded);
    return e;
}

static enum err add_value(struct csv *c, const char *space)
{
    const char *encoding = field(c, F_ENCODING);
    size_t i = 0, count = sizeof encodings / sizeof *encodings;
    while (i < count && strcasecmp(encodings[i].name, encoding) != 0)
        i++;
    if (i == count) return bad(c, "unknown encoding", encoding);
    if (!nvs_width(encodings[i].type))
        return add_bytes(c, space, encodings[i].name, encodings[i].type);
    uint64_t number = 0;
    enum err e = parse_number(c, encodings[i].type, &number);
    return e ? e : nvs_add(c->out, space, field(c, F_KEY), encodings[i].type, number, NULL, 0);
}

static enum err read_rows(struct csv *c)
{
    char space[NVS_NAME] = "";
    enum err e = read_row(c);
    if (e == ERR_NOT_FOUND || (!e && strcmp(field(c, F_KEY), "key") != 0))
        return bad(c, "the first line must be key,type,encoding,value", NULL);
    while (!e) {
        e = read_row(c);
        if (!e) e = take_room(c, 1);
        if (e) break;
        bool is_space = strcmp(field(c, F_TYPE), "namespace") == 0;
        if (!is_space && !space[0]) return bad(c, "a key before the first namespace", NULL);
        if (!is_space) {
            e = add_value(c, space);
            continue;
        }
        e = nvs_add(c->out, field(c, F_KEY), "", NVS_NAMESPACE, 0, NULL, 0);
        if (!e) memcpy(space, field(c, F_KEY), c->row[F_KEY].len + 1); /* checked: it fits */
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err nvs_from_csv(const char *text, size_t n, nvs_file_fn file, void *arg, struct nvs *out)
{
    struct csv c = {.p = text,
                    .end = text + n,
                    .line = 1,
                    .file = file,
                    .arg = arg,
                    .out = out,
                    .room = NVS_SIZE_MAX};
    for (int i = 0; i < FIELDS; i++)
        buf_init_secret(&c.row[i], i == F_VALUE ? VALUE_MAX : WORD);
    enum err e = read_rows(&c);
    if (err_is(e, "too_large")) e = bad(&c, "a field is too long", NULL);
    for (int i = 0; i < FIELDS; i++)
        buf_dispose(&c.row[i]);
    return e;
}
