/* The input is a request line's method, path, and header fields, each on a line of its own. What is
 * found must fit the table, and no decoded text may hold a byte that was to be refused. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/field.h"
#include "api/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition) abort();
}

static void must_be_text(const char *s, size_t max)
{
    must(strlen(s) <= max);
    for (; *s; s++)
        must(*s >= 0x20 && *s < 0x7f);
}

static void try_route(const char *method, const char *path)
{
    size_t n;
    struct route_match m;
    const struct route *table = routes_table(&n);
    enum route_verdict v = route_find(table, n, method, path, &m);
    must((v == ROUTE_FOUND) == (m.route != NULL));
    must((v == ROUTE_NO_METHOD) == (v != ROUTE_FOUND && m.allow[0]));
    if (v != ROUTE_FOUND && v != ROUTE_NO_METHOD) return;
    must(m.var_count <= ROUTE_VARS);
    for (size_t i = 0; i < m.var_count; i++)
        must_be_text(m.vars[i].value, ROUTE_VAR_MAX);
}

static void try_fields(const char *value)
{
    char out[80], back[256] = "", boundary[FIELD_BOUNDARY_MAX + 1];
    long number = 0;
    if (field_percent_decode(value, strlen(value), out, sizeof out)) {
        must_be_text(out, sizeof out - 1);
        must(field_percent_encode(out, back, sizeof back));
    }
    if (field_boundary(value, boundary)) must_be_text(boundary, FIELD_BOUNDARY_MAX);
    if (field_number(value, 1000, &number)) must(number >= 0 && number <= 1000);
    long wait = field_prefer_wait(value, 60);
    must(wait >= 0 && wait <= 60);
    field_etag_listed(value, "\"a\"", true);
    field_etag_listed(value, "\"a\"", false);
    field_accept_prefers(value, "text/csv", "application/json");
    field_media_is(value, "application/json");
    bool body;
    struct framing f = {1, value, 0, NULL, 1};
    if (framing_judge(&f, &body, &number) == FRAMING_OK) must(number >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text, *method = strsep(&rest, "\n"), *path = strsep(&rest, "\n");
    if (path) try_route(method, path);
    while (rest)
        try_fields(strsep(&rest, "\n"));
    free(text);
    return 0;
}
