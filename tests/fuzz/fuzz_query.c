/* The input is the number of a route and a query string: names and values as they were sent. What
 * is taken must be text within its bounds, and the page, the cursor and the numbers that come of it
 * must be such as the store may be asked for. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_job(const char *text)
{
    return request_is_id_of(text, "job_");
}

static void check_texts(const struct request *rq)
{
    assert(rq->query_count <= REQUEST_QUERY_MAX);
    for (size_t i = 0; i < rq->query_count; i++) {
        const char *name = rq->query[i].name, *value = rq->query[i].value;
        assert(strlen(name) < sizeof rq->query[i].name &&
               strlen(value) < sizeof rq->query[i].value);
        assert(request_query(rq, name) == value);
        for (; *value; value++)
            assert(*value >= 0x20 && *value < 0x7f);
    }
}

static void check_values(const struct request *rq)
{
    struct store_page page;
    long wait = -1;
    bool yes = false;
    char mac[REQUEST_MAC] = "";
    if (!request_page(rq, is_job, &page)) {
        assert(page.limit >= 1 && page.limit <= LIMIT_PAGE);
        assert(!page.cursor[0] || is_job(page.cursor));
    }
    if (!request_query_number(rq, "wait", 0, LIMIT_WAIT_S, &wait))
        assert(wait >= -1 && wait <= LIMIT_WAIT_S);
    (void)request_query_bool(rq, "md5", &yes);
    for (size_t i = 0; i < rq->query_count; i++)
        if (request_mac(rq->query[i].value, mac)) assert(strlen(mac) == REQUEST_MAC - 1);
}

/* Both sides of a precondition are what clients and the store may say. */
static void check_match(struct request *rq, const char *field)
{
    rq->if_match = field;
    (void)request_check_match(rq, "slot", "\"abc\"", true);
    (void)request_check_match(rq, "slot", NULL, false);
    rq->if_none_match = field;
    rq->if_match = NULL;
    (void)request_check_match(rq, "slot", "\"abc\"", true);
    rq->if_none_match = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct request rq;
    size_t routes;
    const struct route *table = routes_table(&routes);
    if (!size) return 0;
    memset(&rq, 0, sizeof rq);
    rq.match.route = &table[data[0] % routes];
    char *text = strndup((const char *)data + 1, size - 1), *rest = text;
    assert(text);
    for (char *pair; (pair = strsep(&rest, "&\n"));) {
        char *value = strchr(pair, '=');
        if (value) *value++ = '\0';
        enum err e = request_add_query(&rq, pair, value);
        assert(!e || err_is(e, "bad_query"));
        check_match(&rq, value ? value : pair);
    }
    check_texts(&rq);
    check_values(&rq);
    free(text);
    return 0;
}
