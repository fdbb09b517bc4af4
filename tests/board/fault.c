/* fault: a flat list of specs. A spec names a kind, perhaps a port (or AT command) and perhaps a
 * number; the table below says which kind takes which. */
#include "tests/board/fault.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_SPECS = 32, NAME_BYTES = 32, SPEC_BYTES = 96 };
enum need { NONE, MAY, MUST, FROM_0 };

static const struct form {
    const char *name;
    enum fault_kind kind;
    enum need port;
    enum need number;
} forms[] = {
    {"drop-byte", FAULT_DROP_BYTE, MUST, MUST},
    {"flip-byte", FAULT_FLIP_BYTE, MUST, MUST},
    {"late-reply", FAULT_LATE_REPLY, NONE, MUST},
    {"bad-md5", FAULT_BAD_MD5, NONE, MAY},
    {"hangup", FAULT_HANGUP, MUST, MUST},
    {"reset-at", FAULT_RESET_AT, MUST, MUST},
    {"garbage", FAULT_GARBAGE, MAY, NONE},
    {"silent", FAULT_SILENT, MAY, NONE},
    {"busy", FAULT_BUSY, NONE, MUST},
    {"wrong-boot", FAULT_WRONG_BOOT, NONE, NONE},
    {"tx-dead", FAULT_TX_DEAD, NONE, NONE},
    {"at-stall", FAULT_AT_STALL, MUST, NONE},
    {"drop-every", FAULT_DROP_EVERY, MUST, MUST},
    {"noise-above", FAULT_NOISE_ABOVE, NONE, MUST},
    {"deaf-above", FAULT_DEAF_ABOVE, NONE, MUST},
    {"flash-dead", FAULT_FLASH_DEAD, NONE, NONE},
    {"write-protect", FAULT_WRITE_PROTECT, NONE, NONE},
    {"worn", FAULT_WORN, NONE, FROM_0},
};

struct spec {
    enum fault_kind kind;
    char port[NAME_BYTES]; /* "" = any */
    uint64_t number;       /* 0 = any */
    bool once;
    bool used;
};

struct faults {
    size_t count;
    struct spec specs[MAX_SPECS];
};

struct faults *faults_new(void)
{
    return calloc(1, sizeof(struct faults));
}

void faults_free(struct faults *f)
{
    free(f);
}

static const struct form *form_of(const char *name)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].name, name) == 0) return &forms[i];
    }
    return NULL;
}

static bool parse_number(const char *text, enum need need, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    return text[0] >= '0' && text[0] <= '9' && !errno && *end == '\0' &&
           (*out > 0 || need == FROM_0);
}

/* Takes one argument off @p rest when the form wants one. */
static bool take(enum need need, char **rest, char **out)
{
    *out = NULL;
    if (need == NONE) return true;
    if (!*rest) return need == MAY;
    *out = strsep(rest, ":");
    return **out != '\0';
}

/* at-stall's argument is a command, everybody else's one of the two ports. */
static bool is_target(enum fault_kind kind, const char *text)
{
    return kind == FAULT_AT_STALL || strcmp(text, "download") == 0 || strcmp(text, "at") == 0;
}

bool faults_add(struct faults *f, const char *text)
{
    char copy[SPEC_BYTES];
    if (f->count == MAX_SPECS || strlen(text) >= sizeof copy) return false;
    memcpy(copy, text, strlen(text) + 1);
    struct spec s = {0};
    char *at = strrchr(copy, '@');
    if (at) {
        s.once = true;
        if (strcmp(at, "@once") != 0) return false;
        *at = '\0';
    }
    char *rest = copy;
    const struct form *form = form_of(strsep(&rest, ":"));
    char *port = NULL;
    char *number = NULL;
    if (!form || !take(form->port, &rest, &port) || !take(form->number, &rest, &number) || rest)
        return false;
    if (port && (strlen(port) >= sizeof s.port || !is_target(form->kind, port))) return false;
    if (port) memcpy(s.port, port, strlen(port) + 1);
    if (number && !parse_number(number, form->number, &s.number)) return false;
    s.kind = form->kind;
    f->specs[f->count++] = s;
    return true;
}

void faults_clear(struct faults *f)
{
    f->count = 0;
}

static bool matches(const struct spec *s, const char *port_or_name, uint64_t n)
{
    if (s->port[0] && (!port_or_name || strcasecmp(s->port, port_or_name) != 0)) return false;
    switch (s->kind) {
    case FAULT_DROP_BYTE:
    case FAULT_FLIP_BYTE:
    case FAULT_HANGUP:
    case FAULT_RESET_AT:
    case FAULT_BAD_MD5:
        return s->number == 0 || s->number == n;
    case FAULT_BUSY:
        return n >= 1 && n <= s->number; /* n counts the commands since the last reset */
    case FAULT_DROP_EVERY:
        return n % s->number == 0;
    case FAULT_NOISE_ABOVE:
    case FAULT_DEAF_ABOVE:
        return n > s->number;
    case FAULT_WORN:
        return n == s->number;
    case FAULT_FLASH_DEAD:
    case FAULT_WRITE_PROTECT:
    case FAULT_LATE_REPLY:
    case FAULT_GARBAGE:
    case FAULT_SILENT:
    case FAULT_WRONG_BOOT:
    case FAULT_TX_DEAD:
    case FAULT_AT_STALL:
        return true;
    }
    return false;
}

bool faults_hit(struct faults *f, enum fault_kind kind, const char *port_or_name, uint64_t n)
{
    for (size_t i = 0; i < f->count; i++) {
        struct spec *s = &f->specs[i];
        if (s->kind != kind || s->used || !matches(s, port_or_name, n)) continue;
        s->used = s->once && (kind != FAULT_BUSY || n == s->number);
        return true;
    }
    return false;
}

bool faults_none(const struct faults *f)
{
    return f->count == 0;
}

bool faults_number(const struct faults *f, enum fault_kind kind, size_t i, uint64_t *out)
{
    for (size_t n = 0; n < f->count; n++) {
        if (f->specs[n].kind != kind || i-- > 0) continue;
        *out = f->specs[n].number;
        return true;
    }
    return false;
}
