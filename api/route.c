#include "api/route.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "api/field.h"

/* Character by character: nearly all rows differ early, and there are many. */
static bool path_fits(const char *template, const char *path)
{
    while (*template && *path) {
        if (*template == '{') {
            if (*path == '/') return false; /* a variable is never empty */
            path = strchrnul(path, '/');
            template = strchrnul(template, '/');
        } else if (*template ++ != *path++) {
            return false;
        }
    }
    return !*template && !*path;
}

/* One bit a segment, the first the highest: 1 for a literal. */
static uint32_t rank_of(const char *template)
{
    uint32_t rank = 0;
    for (uint32_t bit = 1U << 31; (template = strchr(template, '/')) && bit; bit >>= 1)
        if (*++template != '{') rank |= bit;
    return rank;
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
        if (!path_fits(table[i].path, path)) continue;
        uint32_t rank = rank_of(table[i].path);
        if (best && rank <= best_rank) continue;
        best = &table[i];
        best_rank = rank;
    }
    if (!best) return ROUTE_NO_PATH;
    if (!take_vars(best->path, path, out)) return ROUTE_BAD_PATH;
    if (strcmp(method, "HEAD") == 0) method = "GET";
    for (size_t i = (size_t)(best - table); i < n; i++) {
        if (strcmp(table[i].method, method) != 0 || strcmp(table[i].path, best->path) != 0)
            continue;
        out->route = &table[i];
        return ROUTE_FOUND;
    }
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].path, best->path) == 0) add_allow(out->allow, table[i].method);
    return ROUTE_NO_METHOD;
}

bool route_writes(const struct route *route)
{
    return strcmp(route->method, "GET") != 0;
}
