/* backups: what is kept of partitions that a job has changed. Their bytes hold keys: they go back
 * to their board by a job of kind restore, and nowhere else. */
#include <stdlib.h>

#include "api/handlers.h"
#include "api/json_out.h"

static bool is_backup(const char *text)
{
    return request_is_id_of(text, "bak_");
}

static enum err read_mac(const struct request *rq, char out[REQUEST_MAC])
{
    const char *asked = request_query(rq, "mac");
    out[0] = '\0';
    if (!asked || request_mac(asked, out)) return ERR_OK;
    return err_fail(ERR_ARG, "bad_query", NULL,
                    "query parameter mac must be a MAC with colons, as 24:0a:c4:12:34:56");
}

struct reply handle_backup_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct backup_record *list = NULL;
    char mac[REQUEST_MAC];
    size_t n;
    if (read_mac(rq, mac) || request_page(rq, is_backup, &page) ||
        store_backup_list(svc->store, mac, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(items, json_out_backup(&list[i]));
    free(list);
    return reply_list(rq, items, page.next);
}

struct reply handle_backup_get(struct request *rq, const struct service *svc)
{
    struct backup_record backup;
    if (store_backup_get(svc->store, request_var(rq, "id"), &backup)) return reply_error(rq);
    return reply_json(200, json_out_backup(&backup));
}

struct reply handle_backup_delete(struct request *rq, const struct service *svc)
{
    return store_backup_delete(svc->store, request_var(rq, "id")) ? reply_error(rq)
                                                                  : reply_empty(204);
}
