/* A slot's reset: any text is understood within its limits, or refused at a place that lies in it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/flash/reset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_steps(const struct reset *r)
{
    unsigned total = 0;
    assert(r->kind <= RESET_NONE && r->count <= RESET_STEPS);
    assert((r->kind == RESET_CUSTOM) == (r->count > 0));
    for (size_t i = 0; i < r->count; i++)
        total += r->steps[i].ms;
    assert(total <= RESET_TOTAL_MS);
}

static void check_refusal(size_t len)
{
    size_t at = 0;
    assert(strcmp(err_last()->code, "bad_reset") == 0);
    assert(sscanf(err_last()->detail, "position %zu: expected ", &at) == 1);
    assert(at >= 1 && at <= len + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reset r;
    char *text = strndup((const char *)data, size);
    assert(text);
    enum err e = reset_parse(text, &r);
    assert(e == ERR_OK || e == ERR_ARG);
    if (e)
        check_refusal(strlen(text));
    else
        check_steps(&r);
    free(text);
    return 0;
}
