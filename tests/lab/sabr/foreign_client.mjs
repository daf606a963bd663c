// Plays one video with the npm package googlevideo and writes what it got: node foreign_client.mjs TASK.json
// The task names the lab's address of each host and its authority of certificates; nothing else leads to the lab.
import { createWriteStream, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SabrStream } from 'googlevideo/sabr-stream';

const task = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ca = readFileSync(task.ca);
let requestCount = 0;

// As the page's fetch, but with the lab's names and certificates.
function labFetch(url, options) {
  requestCount += 1;
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method: options.method,
      headers: options.headers,
      signal: options.signal,
      ca,
      servername: url.hostname,
      lookup: (host, { all }, done) =>
        all ? done(null, [{ address: task.addresses[host], family: 4 }]) : done(null, task.addresses[host], 4),
    }, (answer) => {
      const body = Readable.toWeb(answer);
      resolve(new Response(body, { status: answer.statusCode, headers: { 'content-type': answer.headers['content-type'] } }));
    });
    asked.on('error', reject);
    asked.end(Buffer.from(options.body));
  });
}

const client = new SabrStream({
  fetch: labFetch,
  serverAbrStreamingUrl: task.url,
  videoPlaybackUstreamerConfig: task.config,
  clientInfo: { clientName: task.clientName, clientVersion: task.clientVersion },
  formats: task.formats,
});
const playing = await client.start({ videoFormat: task.videoItag, audioFormat: task.audioItag, maxRetries: 2 });
await Promise.all([
  pipeline(Readable.fromWeb(playing.videoStream), createWriteStream(task.video)),
  pipeline(Readable.fromWeb(playing.audioStream), createWriteStream(task.audio)),
]);
console.log(JSON.stringify({ requestCount }));
