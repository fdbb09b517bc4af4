/* What AWS says when it refuses, in all the ways that it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "service/cloud/aws_error.h"

static struct aws_said said;

static enum aws_meaning read_text(int status, const char *type, const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    aws_error_read(&(struct aws_refusal){status, type, "", text, json}, &said);
    json_decref(json);
    return said.meaning;
}

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

static const char *type_of(const json_t *headers)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)headers, key, value) if (strcasecmp(key, "x-amzn-errortype") ==
                                                           0) return json_string_value(value);
    return "";
}

/* Names and words as AWS's own SDK reads them. */
static void errors_are_read_as_the_sdk_reads_them(void **state)
{
    (void)state;
    static const char folder[] = "tests/data/aws/captures";
    size_t count = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));) {
        char path[512];
        if (!strstr(f->d_name, ".err-")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
        json_t *capture = json_load_file(path, 0, NULL);
        json_t *response = json_object_get(capture, "response");
        json_t *error = json_object_get(capture, "sdk_error");
        const struct aws_refusal r = {
            .status = (int)json_integer_value(json_object_get(response, "status")),
            .type = type_of(json_object_get(response, "headers")),
            .text = "",
            .json = json_object_get(response, "body")};
        aws_error_read(&r, &said);
        assert_string_equal(said.name, text(error, "name"));
        assert_string_equal(said.text, text(error, "message"));
        json_decref(capture);
        count++;
    }
    closedir(d);
    assert_int_equal(count, 8);
}

static void every_name_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *type;
        enum aws_meaning meaning;
    } cases[] = {
        {400, "ThrottlingException", AWS_THROTTLED},
        {429, "", AWS_THROTTLED},
        {503, "SlowDown", AWS_THROTTLED},
        {500, "InternalFailureException", AWS_SERVER},
        {503, "ServiceUnavailableException:", AWS_SERVER},
        {502, "", AWS_SERVER},
        {403, "InvalidSignatureException", AWS_SIGNATURE},
        {403, "SignatureDoesNotMatch", AWS_SIGNATURE},
        {403, "RequestExpired", AWS_CLOCK},
        {403, "UnrecognizedClientException", AWS_KEY},
        {403, "InvalidClientTokenId", AWS_KEY},
        {403, "ExpiredTokenException", AWS_TOKEN_ENDED},
        {403, "ExpiredToken", AWS_TOKEN_ENDED},
        {403, "AccessDeniedException", AWS_PERMISSION},
        {403, "ForbiddenException:", AWS_PERMISSION},
        {401, "UnauthorizedException", AWS_PERMISSION},
        {403, "MissingAuthenticationTokenException", AWS_OTHER},
        {403, "IncompleteSignatureException", AWS_OTHER},
        {410, "LimitExceededException", AWS_QUOTA},
        {409, "VersionsLimitExceededException", AWS_QUOTA},
        {404, "ResourceNotFoundException:http://internal.amazon.com/coral/x/", AWS_NOT_FOUND},
        {409, "ResourceAlreadyExistsException", AWS_EXISTS},
        {409, "DeleteConflictException,other", AWS_CONFLICT},
        {406, "CertificateStateException", AWS_STATE},
        {400, "com.amazonaws.iot#MalformedPolicyException", AWS_INVALID},
        {400, "InvalidRequestException", AWS_INVALID},
        {418, "TeapotException", AWS_OTHER},
        {404, "", AWS_STRANGE},
        {302, "", AWS_STRANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum aws_meaning got = read_text(cases[i].status, cases[i].type, "");
        if (got != cases[i].meaning) print_error("%d %s\n", cases[i].status, cases[i].type);
        assert_int_equal(got, cases[i].meaning);
    }
}

static void without_a_name_the_status_decides(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum aws_meaning meaning;
    } cases[] = {{400, AWS_INVALID},   {401, AWS_PERMISSION}, {403, AWS_PERMISSION},
                 {404, AWS_NOT_FOUND}, {406, AWS_STATE},      {409, AWS_CONFLICT},
                 {410, AWS_QUOTA},     {302, AWS_OTHER}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(read_text(cases[i].status, "", "{\"message\":\"m\"}"), cases[i].meaning);
}

static void a_signature_is_refused_for_several_reasons(void **state)
{
    (void)state;
    static const char type[] = "InvalidSignatureException:";
#define SAYS(words) read_text(403, type, "{\"message\":\"" words "\"}")
    assert_int_equal(SAYS("Signature expired: 1 is now earlier than 2"), AWS_CLOCK);
    assert_int_equal(SAYS("Signature not yet current: 1"), AWS_CLOCK);
    assert_int_equal(SAYS("Credential should be scoped to a valid region."), AWS_REGION_NAME);
    assert_int_equal(SAYS("Credential should be scoped to correct service: 'iot'. "),
                     AWS_SERVICE_NAME);
    assert_string_equal(said.service, "iot");
    assert_int_equal(SAYS("Credential should be scoped to correct service: 'a/b'"), AWS_SIGNATURE);
    assert_int_equal(SAYS("Credential should be scoped to correct service: ''"), AWS_SIGNATURE);
    assert_int_equal(SAYS("Credential should be scoped to correct service: "
                          "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"),
                     AWS_SIGNATURE);
    assert_int_equal(SAYS("It does not match.\\n\\nThe Canonical String was\\nGET x"),
                     AWS_SIGNATURE);
    assert_string_equal(said.text, "It does not match.");
#undef SAYS
}

static void names_may_be_in_the_body(void **state)
{
    (void)state;
    assert_int_equal(read_text(404, "", "{\"code\":\"ResourceNotFoundException\"}"), AWS_NOT_FOUND);
    assert_int_equal(read_text(400, "", "{\"__type\":\"a.b#InvalidRequestException\"}"),
                     AWS_INVALID);
    assert_int_equal(read_text(403, NULL,
                               "<ErrorResponse><Error><Type>Sender</Type>"
                               "<Code>InvalidClientTokenId</Code><Message>The token.</Message>"
                               "</Error></ErrorResponse>"),
                     AWS_KEY);
    assert_string_equal(said.text, "The token.");
    assert_int_equal(read_text(403, "", "<html><b>403</b></html>"), AWS_STRANGE);
    assert_int_equal(read_text(400, "", "[1]"), AWS_INVALID);
    assert_int_equal(read_text(400, "", "{\"message\":7,\"code\":{}}"), AWS_INVALID);
    assert_string_equal(said.text, "");
}

static void what_exists_already_is_named(void **state)
{
    (void)state;
    assert_int_equal(
        read_text(409, "ResourceAlreadyExistsException",
                  "{\"message\":\"m\",\"resourceId\":\"i\",\"resourceArn\":\"arn:x\"}"),
        AWS_EXISTS);
    assert_string_equal(said.resource_id, "i");
    assert_string_equal(said.resource_arn, "arn:x");
}

static void words_are_kept_short_and_printable(void **state)
{
    (void)state;
    char body[2000];
    memset(body, 'x', sizeof body);
    memcpy(body, "{\"message\":\"a\\tb", 16);
    memcpy(body + sizeof body - 3, "\"}", 3);
    assert_int_equal(read_text(400, "", body), AWS_INVALID);
    assert_int_equal(strlen(said.text), AWS_TEXT - 1);
    assert_memory_equal(said.text, "a bx", 4);
    memcpy(body, "ABCDEFG", 7);
    memset(body + 7, 'A', sizeof body - 8);
    body[sizeof body - 1] = '\0';
    read_text(418, body, "");
    assert_int_equal(strlen(said.name), AWS_NAME - 1);
}

static void names_lose_their_end(void **state)
{
    (void)state;
    char out[AWS_NAME];
    aws_error_short("ThrottlingException", out);
    assert_string_equal(out, "Throttling");
    aws_error_short("ExceptionX", out);
    assert_string_equal(out, "ExceptionX");
    aws_error_short("Exception", out);
    assert_string_equal(out, "Exception");
}

static void it_is_said_with_awss_own_words(void **state)
{
    (void)state;
    const struct aws_request r = {.operation = "CreateThing", .action = "iot:CreateThing"};
    read_text(410, "LimitExceededException", "{\"message\":\"No more.\"}");
    assert_int_equal(aws_error_raise(&said, &r, 410), ERR_CLOUD);
    assert_string_equal(err_last()->code, "aws_quota");
    assert_string_equal(err_last()->device, "LimitExceededException: No more.");
    assert_string_equal(err_last()->detail,
                        "CreateThing: a limit of the account is reached (HTTP 410)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_read_as_the_sdk_reads_them),
        cmocka_unit_test(every_name_has_its_meaning),
        cmocka_unit_test(without_a_name_the_status_decides),
        cmocka_unit_test(a_signature_is_refused_for_several_reasons),
        cmocka_unit_test(names_may_be_in_the_body),
        cmocka_unit_test(what_exists_already_is_named),
        cmocka_unit_test(words_are_kept_short_and_printable),
        cmocka_unit_test(names_lose_their_end),
        cmocka_unit_test(it_is_said_with_awss_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
