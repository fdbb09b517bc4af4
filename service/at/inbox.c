/* Design: a small array kept in order. Lines come in tens, not thousands, so moving the rest up on
 * a take costs less than anything cleverer. */
#include "service/at/inbox.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void inbox_init(struct inbox *b)
{
    memset(b, 0, sizeof *b);
}

static void release(struct inbox_line *l)
{
    free(l->text);
    free(l->raw);
    *l = (struct inbox_line){0};
}

static struct inbox_line remove_at(struct inbox *b, size_t i)
{
    struct inbox_line out = b->lines[i];
    memmove(b->lines + i, b->lines + i + 1, (b->n - i - 1) * sizeof *b->lines);
    b->n--;
    return out;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

void inbox_drop(struct inbox *b, const char *prefix)
{
    for (size_t i = 0; i < b->n;) {
        if (!begins(b->lines[i].text, prefix)) {
            i++;
            continue;
        }
        struct inbox_line l = remove_at(b, i);
        release(&l);
    }
}

void inbox_dispose(struct inbox *b)
{
    inbox_drop(b, "");
    release(&b->taken);
}

enum err inbox_put(struct inbox *b, const char *text, const uint8_t *raw, size_t raw_len)
{
    if (b->n == INBOX_LINES) {
        struct inbox_line oldest = remove_at(b, 0);
        release(&oldest);
    }
    struct inbox_line *l = &b->lines[b->n];
    *l = (struct inbox_line){.text = strdup(text), .raw_len = raw_len};
    if (raw) l->raw = malloc(raw_len + 1);
    if (!l->text || (raw && !l->raw)) {
        release(l);
        return err_set(ERR_MEM, "out of memory for a line of the board");
    }
    if (raw && raw_len) memcpy(l->raw, raw, raw_len);
    b->n++;
    return ERR_OK;
}

const struct inbox_line *inbox_take(struct inbox *b, const char *const *prefixes, int *which_out)
{
    for (size_t i = 0; i < b->n; i++)
        for (int p = 0; prefixes[p]; p++) {
            if (!begins(b->lines[i].text, prefixes[p])) continue;
            release(&b->taken);
            b->taken = remove_at(b, i);
            *which_out = p;
            return &b->taken;
        }
    return NULL;
}
