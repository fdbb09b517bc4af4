/* The signed form of a request. */
#include <string.h>

#include "service/cloud/aws_core.h"
#include "service/cloud/sigv4.h"

enum { TEXT_MAX = 64 * 1024 };

static const struct aws_host *find_host(const struct aws_account *a, const struct aws_request *r)
{
    bool sts = r->service && strcmp(r->service, "sts") == 0;
    return sts ? &a->sts : &a->control;
}

/* What is signed is sent: one list for both. Host is libcurl's own, and the same. */
static size_t list_headers(const struct aws_letter *l, const char *host, const char *time,
                           struct sigv4_header out[AWS_LINES])
{
    size_t n = 0;
    out[n++] = (struct sigv4_header){"Host", host};
    out[n++] = (struct sigv4_header){"X-Amz-Date", time};
    if (l->content_type) out[n++] = (struct sigv4_header){"Content-Type", l->content_type};
    if (l->keys.session_token[0])
        out[n++] = (struct sigv4_header){"X-Amz-Security-Token", l->keys.session_token};
    if (l->request->principal)
        out[n++] = (struct sigv4_header){"x-amzn-principal", l->request->principal};
    return n;
}

static enum err sign(const struct aws_letter *l, const char *region, const char *time,
                     const struct sigv4_header *headers, size_t n, struct buf *out)
{
    struct sigv4_request r = {.method = l->request->method,
                              .path = l->request->path,
                              .query = l->request->query,
                              .headers = headers,
                              .n_headers = n,
                              .body = buf_str(&l->body),
                              .body_len = l->body.len};
    struct sigv4_scope s = {.access_key_id = l->keys.access_key_id,
                            .secret_access_key = l->keys.secret_access_key,
                            .region = region,
                            .service = l->service};
    memcpy(s.time, time, sizeof s.time);
    return sigv4_authorization(&r, &s, out);
}

/* The lines as they go out: what was signed, but for Host, and the signature. */
static enum err write_lines(const struct sigv4_header *headers, size_t n, struct buf *lines)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        buf_init_secret(&lines[i], TEXT_MAX);
        if (headers[i].value[strcspn(headers[i].value, "\r\n")])
            e = err_fail(ERR_ARG, "aws_invalid", NULL, "the header %s would have two lines",
                         headers[i].name);
        if (!e) e = buf_printf(&lines[i], "%s: %s", headers[i].name, headers[i].value);
    }
    return e;
}

enum err aws_send_signed(struct aws_account *a, const struct aws_letter *l, struct cancel *cancel,
                         struct deadline until, struct aws_incoming *in)
{
    const struct aws_request *r = l->request;
    struct sigv4_header headers[AWS_LINES];
    struct buf target, authorization, lines[AWS_LINES];
    struct aws_outgoing o = {.host = find_host(a, r),
                             .method = r->method,
                             .body = l->content_type ? &l->body : NULL,
                             .once = r->once};
    char time[SIGV4_TIME];
    memset(in, 0, sizeof *in);
    buf_init(&target, TEXT_MAX);
    buf_init_secret(&authorization, TEXT_MAX);
    sigv4_time(l->unix_s, time);
    size_t n = list_headers(l, o.host->name, time, headers);
    enum err e = sign(l, a->region, time, headers, n, &authorization);
    headers[0] = (struct sigv4_header){"Authorization", buf_str(&authorization)};
    if (!e) e = buf_printf(&target, "%s%s%s", r->path, r->query[0] ? "?" : "", r->query);
    enum err lines_failed = write_lines(headers, n, lines);
    if (!e) e = lines_failed;
    for (size_t i = 0; i < n; i++)
        o.lines[i] = buf_str(&lines[i]);
    /* Else libcurl says that the empty body of a POST is a form. */
    if (!l->content_type) o.lines[n] = "Content-Type:";
    o.target = buf_str(&target);
    if (!e) e = aws_send(a, &o, cancel, until, in);
    buf_dispose(&target);
    buf_dispose(&authorization);
    for (size_t i = 0; i < n; i++)
        buf_dispose(&lines[i]);
    return e;
}
