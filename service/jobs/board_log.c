/* Design: a table of words that ESP-IDF's TLS and MQTT parts print, the most telling first: what
 * comes later in it is only looked for when nothing before it was said. */
#include "service/jobs/board_log.h"

#include <string.h>

enum { LINES_MAX = 12, LINE_MAX_BYTES = 160 };

static const struct {
    const char *words;
    enum log_says says;
} table[] = {
    {"bad username or password", LOG_BAD_LOGIN},
    {"Connection refused, not authorized", LOG_NOT_AUTHORIZED},
    {"ID rejected", LOG_CLIENT_ID_REJECTED},
    {"validity has expired", LOG_CERTIFICATE_EXPIRED},
    {"validity starts in the future", LOG_CERTIFICATE_IN_FUTURE},
    {"not correctly signed by the trusted CA", LOG_CERTIFICATE_UNTRUSTED},
    {"does not match with the expected CN", LOG_NAME_DIFFERS},
    {"pk_parse_key", LOG_KEY_UNREADABLE},
    {"crt_parse", LOG_CERTIFICATE_UNREADABLE},
    {"-0x2700", LOG_VERIFY_FAILED},
    {"-0x7780", LOG_ALERT},
    {"getaddrinfo", LOG_DNS_FAILED},
    {"delayed connect error", LOG_REFUSED},
};

enum log_says board_log_says(const char *text)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strstr(text, table[i].words)) return table[i].says;
    return LOG_NOTHING;
}

/* "E (1234) tag: text", perhaps after the escape of a colour. */
static const char *complaint(const char *line, size_t n)
{
    if (n > 2 && line[0] == '\x1b') {
        const char *m = memchr(line, 'm', n);
        if (!m) return NULL;
        n -= (size_t)(m + 1 - line);
        line = m + 1;
    }
    bool bad = n > 3 && (line[0] == 'E' || line[0] == 'W') && line[1] == ' ' && line[2] == '(';
    return bad ? line : NULL;
}

static json_t *line_text(const char *line, size_t n)
{
    char text[LINE_MAX_BYTES];
    size_t at = 0;
    for (size_t i = 0; i < n && at + 1 < sizeof text && line[i] != '\x1b'; i++)
        text[at++] = line[i] >= ' ' && line[i] < 0x7f ? line[i] : '.';
    text[at] = '\0';
    return json_string(text);
}

json_t *board_log_lines(const char *text)
{
    json_t *lines = json_array();
    while (*text) {
        size_t n = strcspn(text, "\r\n");
        const char *from = complaint(text, n);
        if (from) json_array_append_new(lines, line_text(from, (size_t)(text + n - from)));
        if (json_array_size(lines) > LINES_MAX) json_array_remove(lines, 0);
        text += n;
        text += strspn(text, "\r\n");
    }
    return lines;
}
