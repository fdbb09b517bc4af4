/* Design: base64 is decoded here and not by a BIO of the library, because these buffers must be
 * wiped, because the error must say what is wrong, and because a text that is already clean must
 * come out with the same bytes. */
#include "service/pki/pem.h"

#include <ctype.h>
#include <string.h>

enum { LINE = 64, LINE_BYTES = LINE / 4 * 3 };

static const char begin_mark[] = "-----BEGIN ", end_mark[] = "-----END ", dashes[] = "-----";
#define MARK_LEN(m) (sizeof(m) - 1)

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static enum err bad(const char *why)
{
    return err_fail(ERR_CRYPTO, "bad_pem", NULL, "%s", why);
}

static const uint8_t *find(const uint8_t *at, const uint8_t *end, const char *mark)
{
    return memmem(at, (size_t)(end - at), mark, strlen(mark));
}

bool pem_is_in(const uint8_t *data, size_t len)
{
    return len && find(data, data + len, begin_mark);
}

void pem_reader_init(struct pem_reader *r, const uint8_t *data, size_t len)
{
    *r = (struct pem_reader){.at = data, .end = data + len};
    if (len >= 3 && !memcmp(data, "\xEF\xBB\xBF", 3)) {
        r->at += 3;
        r->untidy |= PEM_BOM;
    }
}

/* A line end that was written as two characters, as it happens to PEM in shells and JSON. */
static bool is_written_line_end(const uint8_t *p, const uint8_t *end)
{
    return end - p >= 2 && p[0] == '\\' && (p[1] == 'n' || p[1] == 'r');
}

static void note_outside(struct pem_reader *r, const uint8_t *until)
{
    bool text = false;
    for (const uint8_t *p = r->at; p < until; p++) {
        if (is_written_line_end(p, until)) {
            r->untidy |= PEM_ESCAPES;
            p++;
            continue;
        }
        if (*p == '\0') r->untidy |= PEM_NUL;
        if (*p == '\r') r->untidy |= PEM_CRLF;
        if (*p && !isspace(*p)) text = true;
    }
    if (!text) return;
    r->untidy |= find(r->at, until, "Bag Attributes") ? PEM_BAG : PEM_TEXT;
}

/* Read "LABEL-----" at the place where it must be. */
static bool label_get(const uint8_t **p, const uint8_t *end, char *out, size_t cap)
{
    const uint8_t *stop = find(*p, end, dashes);
    size_t n = stop ? (size_t)(stop - *p) : 0;
    if (!n || n >= cap) return false;
    for (size_t i = 0; i < n; i++)
        if (!isupper((*p)[i]) && !isdigit((*p)[i]) && (*p)[i] != ' ') return false;
    memcpy(out, *p, n);
    out[n] = '\0';
    *p = stop + MARK_LEN(dashes);
    return true;
}

/* Headers ("Proc-Type: 4,ENCRYPTED") end with an empty line; base64 has no colon. */
static enum err headers_skip(struct pem_block *b)
{
    const uint8_t *end = b->body + b->body_len;
    if (!memchr(b->body, ':', b->body_len)) return ERR_OK;
    b->encrypted = find(b->body, end, "ENCRYPTED") != NULL;
    bool colon = false;
    unsigned line_ends = 0;
    for (const uint8_t *p = b->body; p < end; p++) {
        colon = colon || *p == ':';
        if (*p == '\n')
            line_ends++;
        else if (!isspace(*p))
            line_ends = 0;
        if (line_ends < 2 || !colon) continue;
        b->header = b->body;
        b->header_len = (size_t)(p - b->body);
        b->body_len = (size_t)(end - p);
        b->body = p;
        return ERR_OK;
    }
    return b->encrypted ? ERR_OK : bad("a block has headers without an empty line after them");
}

enum err pem_next(struct pem_reader *r, struct pem_block *out, bool *found)
{
    const uint8_t *p = find(r->at, r->end, begin_mark);
    *found = false;
    *out = (struct pem_block){0};
    note_outside(r, p ? p : r->end);
    if (!p) return ERR_OK;
    p += MARK_LEN(begin_mark);
    r->at = p; /* behind this mark whatever happens, so that every call makes progress */
    if (!label_get(&p, r->end, out->label, sizeof out->label))
        return bad("a BEGIN line is damaged");
    const uint8_t *stop = find(p, r->end, end_mark);
    if (!stop) r->at = r->end; /* so nothing that follows can be whole */
    if (!stop || find(p, stop, begin_mark)) return bad("a block has a BEGIN line but no END line");
    out->body = p;
    out->body_len = (size_t)(stop - p);
    char label[sizeof out->label];
    p = stop + MARK_LEN(end_mark);
    if (!label_get(&p, r->end, label, sizeof label) || strcmp(label, out->label) != 0)
        return bad("the END line of a block does not name what its BEGIN line does");
    if (p == r->end || *p == '\0')
        r->untidy |= PEM_NO_FINAL_NEWLINE;
    else if (*p != '\n' && *p != '\r')
        r->untidy |= is_written_line_end(p, r->end) ? PEM_ESCAPES : PEM_LINES;
    r->at = p;
    enum err e = headers_skip(out);
    *found = !e;
    return e;
}

/* Base64 digit's value, 64 for '=', 65 for white space, 66 for anything else. */
static unsigned value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z') return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9') return (unsigned)(c - '0') + 52;
    if (c == '+' || c == '/') return c == '+' ? 62 : 63;
    return c == '=' ? 64 : isspace(c) ? 65 : 66;
}

/* A quantum of four digits on its way in. */
struct quantum {
    uint32_t bits;
    unsigned count, padding;
};

static enum err digit_take(struct quantum *q, unsigned v, struct buf *out)
{
    if (v == 64) q->padding++;
    if (q->padding > 2 || (q->padding && v != 64) || (v == 64 && q->count < 2))
        return bad("the base64 text of a block is damaged");
    q->bits = q->bits << 6 | (v & 63);
    if (++q->count < 4) return ERR_OK;
    uint8_t bytes[3] = {(uint8_t)(q->bits >> 16), (uint8_t)(q->bits >> 8), (uint8_t)q->bits};
    enum err e = buf_append(out, bytes, 3 - q->padding);
    q->bits = q->count = 0;
    explicit_bzero(bytes, sizeof bytes);
    return e;
}

struct lines {
    size_t column, count;
    bool last_seen; /* a line that was shorter than the others */
};

/* The length of the line that ended tells whether the text is as pem_encode() writes it. The first
 * "line" is what is left of the BEGIN line. */
static void line_end(struct lines *l, unsigned *untidy)
{
    bool fits = l->count ? l->column && l->column <= LINE && !l->last_seen : !l->column;
    if (!fits) *untidy |= PEM_LINES;
    if (l->count && l->column < LINE) l->last_seen = true;
    l->count++;
    l->column = 0;
}

enum err pem_decode(const struct pem_block *b, struct buf *out, unsigned *untidy)
{
    struct quantum q = {0};
    struct lines lines = {0};
    for (size_t i = 0; i < b->body_len; i++) {
        uint8_t c = b->body[i];
        if (is_written_line_end(b->body + i, b->body + b->body_len)) {
            if (b->body[++i] == 'n') line_end(&lines, untidy);
            *untidy |= PEM_ESCAPES;
            continue;
        }
        unsigned v = value_of(c);
        if (c == '\r') *untidy |= PEM_CRLF;
        if (c == '\n') line_end(&lines, untidy);
        if (isspace(c) && c != '\r' && c != '\n') *untidy |= PEM_LINES;
        if (v == 65) continue;
        if (v == 66) return bad("a block holds characters that are not base64");
        enum err e = digit_take(&q, v, out);
        if (e) return e;
        lines.column++;
    }
    if (lines.column) *untidy |= PEM_LINES; /* the END line must start a line */
    if (q.count) return bad("a block is cut off in the middle");
    if (!out->len) return bad("a block is empty");
    return ERR_OK;
}

enum err pem_encode(const char *label, const uint8_t *der, size_t n, struct buf *out)
{
    enum err e = buf_printf(out, "%s%s%s\n", begin_mark, label, dashes);
    for (size_t i = 0; !e && i < n; i += LINE_BYTES) {
        char line[LINE + 1];
        size_t len = 0, stop = n - i < LINE_BYTES ? n : i + LINE_BYTES;
        for (size_t k = i; k < stop; k += 3) {
            unsigned more = (unsigned)(stop - k);
            uint32_t bits = (uint32_t)der[k] << 16 | (more > 1 ? (uint32_t)der[k + 1] << 8 : 0) |
                            (more > 2 ? der[k + 2] : 0);
            line[len++] = digits[bits >> 18];
            line[len++] = digits[bits >> 12 & 63];
            line[len++] = more > 1 ? digits[bits >> 6 & 63] : '=';
            line[len++] = more > 2 ? digits[bits & 63] : '=';
        }
        line[len++] = '\n';
        e = buf_append(out, line, len);
        explicit_bzero(line, sizeof line);
    }
    return e ? e : buf_printf(out, "%s%s%s\n", end_mark, label, dashes);
}
