/* aws_iot_parts: what the operations of aws_iot have in common. Inside service/cloud only. */
#ifndef SERVICE_CLOUD_AWS_IOT_PARTS_H
#define SERVICE_CLOUD_AWS_IOT_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "service/cloud/aws_iot.h"

/* An operation of AWS IoT, whose permission has its name. */
#define IOT_OPERATION(name) .operation = (name), .action = "iot:" name

struct iot_order {
    const char *operation, *action, *method;
    const char *before, *name, *after; /* path: name is encoded in between; NULL = nothing */
    const char *query;                 /* encoded and sorted; NULL = none */
    const char *principal;             /* an ARN; NULL = none */
    bool once;                         /* as in struct aws_request */
};

/** Without a body. @param[out] out  dispose it always */
enum err iot_call(const struct aws_use *u, const struct iot_order *o, struct aws_answer *out);
/** With one. @param body  taken; NULL = there was no memory for it */
enum err iot_call_with(const struct aws_use *u, const struct iot_order *o, json_t *body,
                       struct aws_answer *out);
/** Either of them where the answer says nothing more. @param body  taken; NULL = none */
enum err iot_do(const struct aws_use *u, const struct iot_order *o);
enum err iot_do_with(const struct aws_use *u, const struct iot_order *o, json_t *body);
/** What is not there need not be taken away. @return ERR_OK for aws_not_found, else @p e */
enum err iot_gone(enum err e);

/** Copy a member that must be there. @return ERR_OK; ERR_PROTOCOL with code aws_bad_answer */
enum err iot_take(const struct iot_order *o, const json_t *from, const char *member, char *out,
                  size_t cap);
/** What a list of @p o should have and has not. @return ERR_PROTOCOL with code aws_bad_answer */
enum err iot_bad_answer(const struct iot_order *o, const char *what);

struct iot_pages {
    const char *items;                 /* name of the array in each answer */
    const char *next;                  /* of the word for the next page there */
    const char *before, *word, *after; /* query: "isAscendingOrder=false", "marker", "pageSize=250";
                                          NULL = nothing there */
};
/** One page's items. @param enough_out  set it to end */
typedef enum err (*iot_page_fn)(const json_t *items, bool *enough_out, void *arg);
/** All pages, each given to @p fn. @p o->query is not used. */
enum err iot_each_page(const struct aws_use *u, const struct iot_order *o,
                       const struct iot_pages *pages, iot_page_fn fn, void *arg);
/** All pages into one array of strings: the items, or the @p member of each (NULL = themselves). */
enum err iot_list(const struct aws_use *u, const struct iot_order *o, const struct iot_pages *pages,
                  const char *member, json_t **out);
#endif
