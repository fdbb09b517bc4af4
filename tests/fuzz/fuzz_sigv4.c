/* The canonical form does not depend on how a request is written: encoding its path's dot segments
 * away or its query in another order must not change it, and it is a form of its own canonical
 * form. Input: path, query, a header's value, body, by lines. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/cloud/sigv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT = 256 * 1024 };

static char *canonical(const char *path, const char *query, const char *value, const char *body)
{
    const struct sigv4_header headers[] = {{"X-B", value}, {"host", "h"}, {"x-a", value}};
    const struct sigv4_request r = {.method = "PUT",
                                    .path = path,
                                    .query = query,
                                    .headers = headers,
                                    .n_headers = 3,
                                    .body = body,
                                    .body_len = strlen(body)};
    struct buf out;
    buf_init(&out, TEXT);
    if (sigv4_canonical(&r, &out)) buf_dispose(&out);
    return (char *)out.data;
}

/* The query in the canonical form: the third line. */
static char *query_of(const char *form)
{
    const char *at = strchr(strchr(form, '\n') + 1, '\n') + 1;
    return strndup(at, strcspn(at, "\n"));
}

static void expect_lines(const char *form)
{
    size_t lines = 0;
    for (const char *at = form; (at = strchr(at, '\n')); at++)
        lines++;
    assert(lines == 8); /* no value has made a line of its own */
    const char *path = strchr(form, '\n') + 1;
    size_t n = strcspn(path, "\n");
    assert(*path == '/' && !memmem(path, n + 1, "/../", 4) && !memmem(path, n + 1, "/..\n", 4));
    assert(!memmem(path, n, "//", 2));
    assert(strlen(strrchr(form, '\n') + 1) == 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *rest = text, *line[4];
    assert(text);
    for (size_t i = 0; i < 4; i++) {
        line[i] = strsep(&rest, "\n");
        if (!line[i]) line[i] = text + strlen(text);
    }
    char *form = canonical(line[0], line[1], line[2], line[3]);
    if (form) {
        expect_lines(form);
        char *query = query_of(form);
        char *again = canonical(line[0], query, line[2], line[3]);
        assert(again && strcmp(form, again) == 0);
        free(again);
        free(query);
    }
    free(form);
    free(text);
    return 0;
}
