/* Whatever a control plane, or what stands in its place, answers: names and words stay printable
 * and within their bounds, and there is an error for it. Input: status, header, body, by lines. */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/cloud/aws_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_printable(const char *text, size_t cap)
{
    assert(strlen(text) < cap);
    for (; *text; text++)
        assert(isprint((unsigned char)*text));
}

static void check(int status, const char *type, const char *text)
{
    struct aws_said said;
    static const struct aws_request request = {.operation = "CreateThing"};
    json_t *json = json_loads(text, 0, NULL);
    aws_error_read(&(struct aws_refusal){status, type, type, text, json}, &said);
    expect_printable(said.name, sizeof said.name);
    expect_printable(said.text, sizeof said.text);
    expect_printable(said.request_id, sizeof said.request_id);
    assert((said.meaning == AWS_SERVICE_NAME) == (said.service[0] != '\0'));
    enum err e = aws_error_raise(&said, &request, status);
    assert(e != ERR_OK && strncmp(err_last()->code, "aws_", 4) == 0);
    assert(!strstr(err_last()->device, "The Canonical String"));
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *rest = text;
    assert(text);
    char *status = strsep(&rest, "\n"), *type = strsep(&rest, "\n");
    int code = (int)(strtoul(status, NULL, 10) % 300) + 300;
    check(code, type ? type : "", rest ? rest : "");
    free(text);
    return 0;
}
