#include "service/access/lockout.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/log.h"

enum {
    SETS = 128,
    WAYS = 8, /* addresses of a set; a new one takes the place of the quietest */
    KEY = 8   /* bytes */
};

static const int64_t second_ns = 1000000000, minute_ns = 60 * second_ns;

struct address {
    uint8_t key[KEY];
    unsigned tries, locks; /* tries since the window began, and locks so far */
    int64_t window_ns;     /* when it began */
    int64_t until_ns;      /* locked until then */
    int64_t last_ns;       /* last failed try; 0 = the place is free */
};

struct lockout {
    pthread_mutex_t lock;
    struct address sets[SETS][WAYS];
};

enum err lockout_new(struct lockout **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return err_set(ERR_MEM, "out of memory");
    pthread_mutex_init(&(*out)->lock, NULL);
    return ERR_OK;
}

void lockout_free(struct lockout *l)
{
    if (!l) return;
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* IPv4: its four bytes behind four that begin no global IPv6 address. */
static void key_of(const char *text, uint8_t key[KEY])
{
    uint8_t v6[sizeof(struct in6_addr)];
    memset(key, 0, KEY);
    if (inet_pton(AF_INET, text, key + 4) == 1) return;
    if (inet_pton(AF_INET6, text, v6) == 1)
        memcpy(key, v6, KEY);
    else
        memset(key, 0, KEY);
}

static struct address *set_of(struct lockout *l, const uint8_t key[KEY])
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < KEY; i++)
        hash = (hash ^ key[i]) * 16777619U;
    return l->sets[hash % SETS];
}

static struct address *place_of(struct lockout *l, const uint8_t key[KEY])
{
    struct address *set = set_of(l, key), *quietest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].last_ns && memcmp(set[i].key, key, KEY) == 0) return &set[i];
        if (set[i].last_ns < quietest->last_ns) quietest = &set[i];
    }
    *quietest = (struct address){.tries = 0};
    memcpy(quietest->key, key, KEY);
    return quietest;
}

static int64_t lock_ns(unsigned locks)
{
    int64_t s = LOCKOUT_FIRST_S;
    for (; locks && s < LOCKOUT_MOST_S; locks--)
        s *= 2;
    return (s < LOCKOUT_MOST_S ? s : LOCKOUT_MOST_S) * second_ns;
}

/* @return whether it is locked out from now on */
static bool count(struct address *a, int64_t now_ns)
{
    /* Whoever was quiet for as long as the longest lock begins anew. */
    if (now_ns - a->last_ns > LOCKOUT_MOST_S * second_ns && now_ns > a->until_ns) a->locks = 0;
    if (now_ns - a->window_ns >= minute_ns) {
        a->window_ns = now_ns;
        a->tries = 0;
    }
    if (++a->tries <= LOCKOUT_TRIES) return false;
    a->until_ns = now_ns + lock_ns(a->locks++);
    a->window_ns = a->until_ns;
    a->tries = 0;
    return true;
}

unsigned lockout_fail(struct lockout *l, const char *address, int64_t now_ns)
{
    uint8_t key[KEY];
    key_of(address, key);
    pthread_mutex_lock(&l->lock);
    struct address *a = place_of(l, key);
    bool begins = now_ns >= a->until_ns && count(a, now_ns);
    a->last_ns = now_ns; /* tries of one who is locked out do not make it longer */
    int64_t left = a->until_ns - now_ns;
    pthread_mutex_unlock(&l->lock);
    unsigned left_s = left > 0 ? (unsigned)((left + second_ns - 1) / second_ns) : 0;
    if (begins) log_warn("address locked out", "address=%s seconds=%u", address, left_s);
    return left_s;
}
