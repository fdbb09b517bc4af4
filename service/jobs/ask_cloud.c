#include "service/jobs/ask_cloud.h"

#include <string.h>

#include "service/cloud/iot_endpoint.h"
#include "service/register/accounts.h"

enum { ASK_MS = 20000, HTTPS_PORT = 8443 };

/* Somebody else's broker is told nothing on other ports than its own. */
static bool is_aws(const char *host)
{
    enum err e = iot_data_endpoint_check(host, "");
    return (!e || err_is(e, "endpoint_not_ats")) && strstr(host, ".amazonaws.com");
}

/* Neither lost on the way nor refused by us. */
static bool is_refused(const struct session *s)
{
    static const char *const others[] = {"mqtt_dns_", "mqtt_tcp_", "mqtt_tls_server_"};
    const char *code = s->evidence.check_by_host.code;
    if (!s->evidence.check_by_host.ran) return s->evidence.stage >= CHECK_TLS;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(code, others[i], strlen(others[i])) == 0) return false;
    return code[0] != '\0';
}

static struct iot_publish publish_of(const struct session *s, const struct cloud_view *view,
                                     const struct credential *one)
{
    const char *host = s->ctx->command->mqtt.host;
    bool clouds = s->broker_is_clouds || strcmp(view->data_endpoint, host) == 0;
    struct iot_publish p = {.port = view->https_port ? view->https_port : HTTPS_PORT};
    size_t n;
    if (!clouds && !is_aws(host)) return p;
    p.certificate_pem = credential_pem(one, CREDENTIAL_CERTIFICATE, &n);
    p.root_ca_pem = credential_pem(one, CREDENTIAL_ROOT_CA, &n);
    p.key_pem = credential_pem(one, CREDENTIAL_KEY, &n);
    if (p.certificate_pem && p.key_pem && p.root_ca_pem) p.host = host;
    return p;
}

static enum err ask(struct session *s, const struct credential *one, struct aws_account *account,
                    const struct cloud_view *view)
{
    const struct diagnosis_ask a = {
        .account = account,
        .certificate = credential_info(one)->fingerprint_sha256,
        .client_id = s->client_id,
        .topic = s->topic,
        .publish = publish_of(s, view, one),
        .cancel = s->ctx->cancel,
        .until = session_within(s, ASK_MS),
    };
    return a.account || a.publish.host ? diagnose(&a, &s->evidence.cloud) : ERR_OK;
}

void ask_cloud(struct session *s, const struct credential *one)
{
    const struct command *c = s->ctx->command;
    struct aws_account *account = NULL;
    struct cloud_view view = {.name = ""};
    if (!one || !check_uses_part(c->mqtt.scheme, CREDENTIAL_CERTIFICATE) || !is_refused(s)) return;
    enum err e = ERR_OK;
    if (c->cloud) e = accounts_take(s->ctx->accounts, c->cloud->cloud, &account, &view);
    if (!e) e = ask(s, one, account, &view);
    if (e) job_note(s->ctx, "the cloud was not asked: %s", err_last()->detail);
    aws_account_unref(account);
    cloud_view_dispose(&view);
}
