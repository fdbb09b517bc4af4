/* Design: bytes are collected in `text` until the line ends. LF ends a line; so does a CR that is
 * followed by anything else, so one lost LF costs nothing; empty lines and NULs (a UART break reads
 * as NUL) are dropped, because firmware versions differ in their blank lines. A comma may complete
 * the head of an answer with counted bytes: from there on bytes are counted, not read. What an
 * event lends stays in the buffers until the next call (clear_next). Both buffers may see a private
 * key that is read back, so they are wiped. */
#include "service/at/line.h"

#include <string.h>

enum { MAX_TEXT = 4096, MAX_RAW = 64 * 1024 };

void line_init(struct line_machine *m)
{
    memset(m, 0, sizeof *m);
    buf_init_secret(&m->text, MAX_TEXT + 1); /* one more for the CR that waits for its LF */
    buf_init_secret(&m->raw, MAX_RAW);
}

void line_dispose(struct line_machine *m)
{
    buf_dispose(&m->text);
    buf_dispose(&m->raw);
}

static void start_afresh(struct line_machine *m)
{
    buf_reset(&m->text);
    buf_reset(&m->raw);
    m->in_raw = false;
    m->raw_left = 0;
    m->clear_next = false;
}

static bool is_digit(uint8_t b)
{
    return b >= '0' && b <= '9';
}

/* The digits before the comma at `end`: where they begin; `end` itself when there are none. */
static size_t digits_before(const uint8_t *s, size_t end)
{
    size_t i = end;
    while (i > 0 && is_digit(s[i - 1]))
        i--;
    return i;
}

static bool begins(const uint8_t *s, size_t n, const char *prefix)
{
    size_t len = strlen(prefix);
    return n >= len && memcmp(s, prefix, len) == 0;
}

/* +SYSFLASH:<n>, */
static bool is_sysflash_head(const uint8_t *s, size_t count_at)
{
    static const char name[] = "+SYSFLASH:";
    return count_at == sizeof name - 1 && begins(s, count_at, name);
}

/* +MQTTSUBRECV:<link>,"<topic>",<n>, (the topic may hold commas: its end is the quote). */
static bool is_subrecv_head(const uint8_t *s, size_t count_at)
{
    static const char name[] = "+MQTTSUBRECV:";
    if (!begins(s, count_at, name)) return false;
    size_t i = sizeof name - 1;
    while (i < count_at && is_digit(s[i]))
        i++;
    if (i == sizeof name - 1 || i + 4 > count_at) return false;
    return s[i] == ',' && s[i + 1] == '"' && s[count_at - 2] == '"' && s[count_at - 1] == ',';
}

/* +SYSMFG:"<space>","<key>",<type>,<n>, of a string or a blob; a number is no more than its line.
 */
static bool is_sysmfg_head(const uint8_t *s, size_t count_at)
{
    static const char name[] = "+SYSMFG:\"";
    if (!begins(s, count_at, name) || s[count_at - 1] != ',') return false;
    size_t type = count_at - 2;
    bool counted = s[type] == '7' || s[type] == '8';
    return counted && type > sizeof name && s[type - 1] == ',' && s[type - 2] == '"';
}

typedef bool (*head_fn)(const uint8_t *s, size_t count_at);
static const head_fn heads[] = {is_sysflash_head, is_sysmfg_head, is_subrecv_head};

/* Does the text, which ends in a comma, announce counted bytes? */
static bool announces_raw(const struct buf *text, size_t *count_out)
{
    const uint8_t *s = text->data;
    size_t comma = text->len - 1;
    size_t at = digits_before(s, comma);
    if (at == comma) return false;
    bool found = false;
    for (size_t i = 0; i < sizeof heads / sizeof *heads && !found; i++)
        found = heads[i](s, at);
    if (!found) return false;
    size_t count = 0;
    for (size_t i = at; i < comma && count <= MAX_RAW; i++)
        count = count * 10 + (size_t)(s[i] - '0');
    *count_out = count;
    return true;
}

static bool waits_for_lf(const struct line_machine *m)
{
    return m->text.len && m->text.data[m->text.len - 1] == '\r';
}

/* Nothing readable yet on this line: what noise there is does not hide a prompt. */
static bool at_line_start(const struct line_machine *m)
{
    for (size_t i = 0; i < m->text.len; i++)
        if (m->text.data[i] >= 0x20 && m->text.data[i] < 0x7f) return false;
    return true;
}

static bool end_line(struct line_machine *m, struct line_event *ev)
{
    if (waits_for_lf(m)) {
        m->text.len--;
        m->text.data[m->text.len] = '\0';
    }
    if (!m->text.len) return false;
    m->clear_next = true;
    *ev = (struct line_event){.kind = LINE_TEXT, .text = buf_str(&m->text)};
    return true;
}

static bool end_raw(struct line_machine *m, struct line_event *ev)
{
    if (m->raw_left) return false;
    m->in_raw = false;
    m->clear_next = true;
    *ev = (struct line_event){.kind = LINE_RAW,
                              .text = buf_str(&m->text),
                              .raw = (const uint8_t *)buf_str(&m->raw),
                              .raw_len = m->raw.len};
    return true;
}

static enum err too_much(struct line_machine *m, const char *what)
{
    start_afresh(m);
    return err_set(ERR_PROTOCOL, "%s", what);
}

/* One byte of a line that is neither CR nor LF. */
static enum err take_char(struct line_machine *m, uint8_t b, struct line_event *ev)
{
    if (b == '>' && m->prompt_expected && at_line_start(m)) {
        m->clear_next = true;
        *ev = (struct line_event){.kind = LINE_PROMPT, .text = ">"};
        return ERR_OK;
    }
    if (m->text.len == MAX_TEXT) return too_much(m, "a line of more than 4096 bytes");
    enum err e = buf_append(&m->text, &b, 1);
    if (e) return e;
    size_t count = 0;
    if (b != ',' || !announces_raw(&m->text, &count)) return ERR_OK;
    if (count > MAX_RAW) return too_much(m, "more than 64 KiB announced");
    m->in_raw = true;
    m->raw_left = count;
    end_raw(m, ev);
    return ERR_OK;
}

/* One byte outside counted data. *taken_out is false when it ended a line without being part of it.
 */
static enum err take_byte(struct line_machine *m, uint8_t b, bool *taken_out, struct line_event *ev)
{
    *taken_out = true;
    if (b == '\0') return ERR_OK;
    if (b == '\n') {
        if (!end_line(m, ev)) buf_reset(&m->text);
        return ERR_OK;
    }
    if (b == '\r') return waits_for_lf(m) ? ERR_OK : buf_append(&m->text, &b, 1);
    if (waits_for_lf(m)) {
        *taken_out = false;
        if (!end_line(m, ev)) buf_reset(&m->text);
        return ERR_OK;
    }
    return take_char(m, b, ev);
}

enum err line_feed(struct line_machine *m, const uint8_t *in, size_t n, size_t *used_out,
                   struct line_event *ev_out)
{
    *used_out = 0;
    *ev_out = (struct line_event){.kind = LINE_NONE};
    if (m->clear_next) start_afresh(m);
    enum err e = ERR_OK;
    while (*used_out < n && ev_out->kind == LINE_NONE && !e) {
        if (m->in_raw) {
            size_t part = n - *used_out < m->raw_left ? n - *used_out : m->raw_left;
            e = buf_append(&m->raw, in + *used_out, part);
            m->raw_left -= part;
            *used_out += part;
            if (!e) end_raw(m, ev_out);
            continue;
        }
        bool taken = false;
        e = take_byte(m, in[*used_out], &taken, ev_out);
        if (taken) (*used_out)++;
    }
    if (e == ERR_MEM) start_afresh(m);
    return e;
}
