/* iot_endpoint: what the names of AWS IoT's endpoints say. Pure. */
#ifndef SERVICE_CLOUD_IOT_ENDPOINT_H
#define SERVICE_CLOUD_IOT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"

/** Is it the form of a region's name? "us-east-2", "cn-north-1", "us-gov-west-1" */
bool iot_region_is_valid(const char *region);
/** "aws", "aws-cn" or "aws-us-gov" */
const char *iot_partition(const char *region);
/** Host of the region's control plane. */
void iot_control_host(const char *region, char *out, size_t cap);
/** May a control plane be called there? https to AWS's own names, or anything on this machine.
 *  @return ERR_OK; ERR_ARG with code bad_endpoint */
enum err iot_control_url_check(const char *url);
/** May keys be asked for there? A credential provider of AWS's, or anything on this machine.
 *  @param address  host[:port]  @return ERR_OK; ERR_ARG with code bad_endpoint */
enum err iot_provider_check(const char *address);
/** Judge the address of a data endpoint. @param region  "" = unsaid
 *  @return ERR_OK; ERR_ARG with code endpoint_not_ats (its certificate is not Amazon's),
 * endpoint_region (of another region), bad_endpoint (not one of AWS's, nor of this machine) */
enum err iot_data_endpoint_check(const char *host, const char *region);
/** What MQTT is called by ALPN on a port of a data endpoint: 443 is for several protocols, and
 * knows them by their names. "" = it needs none. */
const char *iot_mqtt_alpn(int port);
#endif
