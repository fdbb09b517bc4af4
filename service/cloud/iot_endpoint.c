#include "service/cloud/iot_endpoint.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "service/base/url.h"

enum { HOST = 254, REGION = 32 };

static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
static const char digits[] = "0123456789";

/* Two letters, one or two words, a number: "ap-southeast-2", "us-gov-west-1". */
bool iot_region_is_valid(const char *region)
{
    size_t n = strspn(region, lower);
    if (n != 2 || strlen(region) >= REGION) return false;
    const char *s = region + n;
    int words = 0;
    for (; *s == '-' && (n = strspn(s + 1, lower)) > 0; s += n + 1)
        words++;
    if ((words != 1 && words != 2) || *s != '-') return false;
    n = strspn(s + 1, digits);
    return (n == 1 || n == 2) && s[n + 1] == '\0';
}

const char *iot_partition(const char *region)
{
    if (strncmp(region, "cn-", 3) == 0) return "aws-cn";
    return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

/* What the names of a region's services end with. */
static const char *domain_of(const char *region)
{
    return strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
}

void iot_control_host(const char *region, char *out, size_t cap)
{
    snprintf(out, cap, "iot.%s.%s", region, domain_of(region));
}

/* A name of AWS, from its end: region and domain taken off, "x-ats.iot" is left in @p out.
 *  @return is it one? */
static bool split(const char *host, char out[HOST], char region[REGION])
{
    char inner[HOST];
    size_t n = strlen(host);
    if (n >= HOST) return false;
    memcpy(inner, host, n + 1);
    static const char *const domains[] = {".amazonaws.com.cn", ".amazonaws.com"};
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        size_t d = strlen(domains[i]);
        if (n <= d || strcmp(inner + n - d, domains[i]) != 0) continue;
        inner[n - d] = '\0';
        char *dot = strrchr(inner, '.');
        if (!dot || !iot_region_is_valid(dot + 1)) return false;
        if (strcmp(domain_of(dot + 1), domains[i] + 1) != 0) return false;
        snprintf(region, REGION, "%s", dot + 1);
        *dot = '\0';
        memcpy(out, inner, strlen(inner) + 1);
        return true;
    }
    return false;
}

/* @param fits  is that the service, "iot", that is looked for? */
static enum err check_address(const char *url, bool (*fits)(const char *service), const char *what,
                              const char *hint)
{
    char host[HOST], service[HOST], region[REGION];
    bool local = false;
    const char *why = url_refusal(url, &local);
    if (why) return err_fail(ERR_ARG, "bad_endpoint", hint, "the endpoint %s", why);
    const char *s = strstr(url, "//") + 2;
    if (s[strcspn(s, "/?")])
        return err_fail(ERR_ARG, "bad_endpoint", hint, "the endpoint has a path or a query");
    if (local) return ERR_OK;
    size_t n = strcspn(s, ":");
    memcpy(host, s, n);
    host[n] = '\0';
    if (split(host, service, region) && fits(service)) return ERR_OK;
    return err_fail(ERR_ARG, "bad_endpoint", hint, "%s is not %s of AWS IoT", host, what);
}

static bool is_control(const char *service)
{
    return strcmp(service, "iot") == 0 || strcmp(service, "iot-fips") == 0;
}

/* Elsewhere, whoever may name an endpoint could have any request signed for it. */
enum err iot_control_url_check(const char *url)
{
    return check_address(url, is_control, "the control plane",
                         "Leave it out for AWS's own; else https:// and a name of AWS's control "
                         "plane, or an address of this machine, without a path.");
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), e = strlen(end);
    return n > e && strcmp(text + n - e, end) == 0;
}

static bool is_provider(const char *service)
{
    return ends_with(service, ".credentials.iot");
}

enum err iot_provider_check(const char *address)
{
    char url[HOST + 16];
    if (strlen(address) >= HOST) return err_fail(ERR_ARG, "bad_endpoint", NULL, "it is too long");
    snprintf(url, sizeof url, "https://%s", address);
    return check_address(url, is_provider, "the credential provider",
                         "Use the address that AWS gives for the endpoint type "
                         "iot:CredentialProvider, without https://.");
}

static bool is_this_machine(const char *host)
{
    char url[HOST + 16];
    bool local = false;
    snprintf(url, sizeof url, strchr(host, ':') ? "https://[%s]" : "https://%s", host);
    return strlen(host) < HOST && host[strcspn(host, "/?")] == '\0' && !url_refusal(url, &local) &&
           local;
}

enum err iot_data_endpoint_check(const char *host, const char *region)
{
    static const char hint[] = "Use the address that AWS gives for the endpoint type iot:Data-ATS, "
                               "without https:// and without a port.";
    char folded[HOST] = "", name[HOST], its_region[REGION];
    for (size_t i = 0; host[i] && i + 1 < sizeof folded; i++) {
        bool capital = host[i] >= 'A' && host[i] <= 'Z';
        folded[i] = capital ? (char)(host[i] - 'A' + 'a') : host[i];
    }
    if (is_this_machine(host)) return ERR_OK;
    bool known = strlen(host) < HOST && split(folded, name, its_region) && ends_with(name, ".iot");
    if (known) name[strlen(name) - 4] = '\0';
    /* China's has a dot where the others have a hyphen. */
    bool ats = known && (ends_with(name, "-ats") || ends_with(name, ".ats"));
    if (ats) name[strlen(name) - 4] = '\0';
    if (!known || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789")])
        return err_fail(ERR_ARG, "bad_endpoint", hint, "%.200s is not a data endpoint of AWS IoT",
                        host);
    if (*region && strcmp(region, its_region) != 0)
        return err_fail(ERR_ARG, "endpoint_region",
                        "Use the endpoint of the account's region, or that region for the account.",
                        "%s is an endpoint of %s, not of %s", host, its_region, region);
    if (!ats)
        return err_fail(ERR_ARG, "endpoint_not_ats", hint,
                        "%s is a legacy endpoint, whose certificate Amazon's root certificates do "
                        "not verify",
                        host);
    return ERR_OK;
}

const char *iot_mqtt_alpn(int port)
{
    enum { HTTPS = 443 };
    return port == HTTPS ? "x-amzn-mqtt-ca" : "";
}
