import { request as httpRequest, type Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { connect as tlsConnect, type ConnectionOptions } from 'node:tls';
import { KubeError } from '../../kube/errors.ts';

type Connect = (
  options: { readonly host?: string; readonly port?: number | string },
  callback: (error: Error | null, socket?: Socket) => void,
) => undefined;

/** Lets the connections of an agent go through the proxy of the kubeconfig (CONNECT). Throws KubeError BadConfig. */
export function tunnel(agent: HttpAgent | HttpsAgent, proxy: string, tls: ConnectionOptions): void {
  const url = proxyUrl(proxy);
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const connect: Connect = ({ host = '', port = 443 }, callback) => {
    const to = `${host}:${port}`;
    const user = decodeURIComponent(url.username);
    const login = Buffer.from(`${user}:${decodeURIComponent(url.password)}`).toString('base64');
    const request = start({
      ...{
        host: url.hostname,
        port: url.port || (url.protocol === 'https:' ? 443 : 80),
        method: 'CONNECT',
        path: to,
      },
      headers: { host: to, ...(user && { 'proxy-authorization': `Basic ${login}` }) },
      agent: false,
    });
    request.on('error', callback);
    request.on('connect', ({ statusCode }, socket) => {
      if (statusCode !== 200) {
        socket.destroy();
        callback(
          new KubeError({
            code: 'Unreachable',
            message: 'the proxy of the kubeconfig refused the connection',
          }),
        );
      } else if (agent instanceof HttpsAgent) {
        const secured = tlsConnect({ servername: host, ...tls, socket }, () => callback(null, secured));
        secured.on('error', callback);
      } else {
        callback(null, socket);
      }
    });
    request.end();
    return undefined;
  };
  Object.assign(agent, { createConnection: connect });
}

function proxyUrl(proxy: string): URL {
  try {
    const url = new URL(proxy);
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  } catch {
    // Said below; the text may hold a password.
  }
  throw new KubeError({ code: 'BadConfig', message: 'only http(s) proxies are supported in proxy-url' });
}
