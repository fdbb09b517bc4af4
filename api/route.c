#include "api/route.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "api/field.h"

/* Compare segment by segment. @param rank_out  one bit a segment, the first the highest: 1 for a
 * literal */
static bool path_fits(const char *template, const char *path, uint32_t *rank_out)
{
    uint32_t rank = 0;
    for (int shift = 31; *template && *path; shift--) {
        /* both stand on a '/' */
        size_t t = 1 + strcspn(template + 1, "/"), p = 1 + strcspn(path + 1, "/");
        if (*template != '/' || *path != '/' || shift < 0) return false;
        if (template[1] == '{') {
            if (p == 1) return false; /* a variable is never empty */
        } else {
            if (t != p || memcmp(template, path, t) != 0) return false;
            rank |= 1U << shift;
        }
        template += t;
        path += p;
    }
    *rank_out = rank;
    return !*template && !*path;
}

static bool take_vars(const char *template, const char *path, struct route_match *m)
{
    m->var_count = 0;
    while (*template) {
        size_t t = 1 + strcspn(template + 1, "/"), p = 1 + strcspn(path + 1, "/");
        if (template[1] == '{') {
            m->vars[m->var_count].name = template + 2;
            char *value = m->vars[m->var_count++].value;
            if (!field_percent_decode(path + 1, p - 1, value, ROUTE_VAR_MAX + 1)) return false;
        }
        template += t;
        path += p;
    }
    return true;
}

static void add_allow(char allow[48], const char *method)
{
    size_t n = strlen(allow);
    snprintf(allow + n, 48 - n, "%s%s%s", n ? ", " : "", method,
             strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

enum route_verdict route_find(const struct route *table, size_t n, const char *method,
                              const char *path, struct route_match *out)
{
    const struct route *best = NULL;
    uint32_t best_rank = 0;
    *out = (struct route_match){.route = NULL};
    for (size_t i = 0; i < n; i++) {
        uint32_t rank;
        if (!path_fits(table[i].path, path, &rank) || (best && rank <= best_rank)) continue;
        best = &table[i];
        best_rank = rank;
    }
    if (!best) return ROUTE_NO_PATH;
    if (!take_vars(best->path, path, out)) return ROUTE_BAD_PATH;
    if (strcmp(method, "HEAD") == 0) method = "GET";
    for (size_t i = 0; i < n; i++) {
        if (strcmp(table[i].path, best->path) != 0) continue;
        if (strcmp(table[i].method, method) == 0) out->route = &table[i];
        add_allow(out->allow, table[i].method);
    }
    return out->route ? ROUTE_FOUND : ROUTE_NO_METHOD;
}
