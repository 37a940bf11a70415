import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { disposeModel } from '@tesserae/core';
import { downloadPretrained, fromPretrained, loadPretrained, savePretrained } from '@tesserae/hub';
import type { DownloadOptions } from '@tesserae/hub';
import { etagOf, startHub } from './hub-server';
import type { HubContent, HubServer } from './hub-server';
import { failure, golden, smallLlama, temporaryFolder, valuesOf } from './models';

const id = 'somebody/small-model';
let contents: HubContent;
let sharded: HubContent;
let hub: HubServer | undefined;

const filesOf = (folder: string): Record<string, Uint8Array> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name))]));

beforeAll(async () => {
  await tf.setBackend('cpu');
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_HUB_OFFLINE', 'HF_ENDPOINT', 'HF_HUB_CACHE'])
    vi.stubEnv(name, undefined);
  vi.stubEnv('HF_HOME', temporaryFolder());
  const gpt2 = filesOf(golden('gpt2'));
  const weights = 'model.safetensors';
  const files = {
    'config.json': gpt2['config.json'],
    'generation_config.json': gpt2['generation_config.json'],
    [weights]: gpt2[weights],
    'chat_template.jinja': Buffer.from('{{ messages }}'),
    'additional_chat_templates/tool_use.jinja': Buffer.from('{{ tools }}'),
    'README.md': Buffer.from('not needed'),
    'pytorch_model.bin': Buffer.from('not wanted'),
    'onnx/model.onnx': Buffer.from('not wanted'),
  };
  contents = { id, files, large: [weights], refs: ['v1.0', 'refs/pr/1'] };
  const folder = temporaryFolder();
  await savePretrained(smallLlama(), folder, { maxShardBytes: 1500 });
  const shards = filesOf(folder);
  const large = Object.keys(shards).filter((name) => name.endsWith('.safetensors'));
  sharded = { id, files: { ...shards, 'other.safetensors': Buffer.from('not named by the index') }, large };
});

afterEach(async () => {
  await hub?.close();
  hub = undefined;
});

/** Quick to give up, and quiet. */
const options = (more: DownloadOptions = {}): DownloadOptions => ({
  endpoint: hub!.endpoint,
  cacheFolder: more.cacheFolder ?? temporaryFolder(),
  progress: false,
  retrySeconds: 0.01,
  timeoutSeconds: 2,
  ...more,
});

const fetched = (): string[] =>
  hub!.seen.filter(({ path: at }) => at.includes('/resolve/')).map(({ path: at }) => at.split(`${hub!.commit}/`)[1]!);

describe('a download', () => {
  it('brings what a model needs and nothing else, laid out as all of Hugging Face’s libraries have it', async () => {
    hub = await startHub(contents);
    const cacheFolder = temporaryFolder();
    const folder = await downloadPretrained(id, options({ cacheFolder }));
    const repository = path.join(cacheFolder, 'models--somebody--small-model');
    expect(folder).toBe(path.join(repository, 'snapshots', hub.commit));
    const wanted = Object.keys(contents.files).filter((name) => !/README|pytorch|onnx/.test(name));
    expect(fetched().sort()).toEqual([...wanted].sort());
    for (const name of wanted) {
      const file = path.join(folder, name);
      expect(lstatSync(file).isSymbolicLink()).toBe(true);
      const up = name.includes('/') ? '../../../blobs' : '../../blobs';
      expect(readlinkSync(file)).toBe(path.join(up, etagOf(contents, name)));
      expect(readFileSync(file).equals(contents.files[name])).toBe(true);
    }
    expect(readdirSync(path.join(repository, 'blobs')).sort()).toEqual(
      wanted.map((name) => etagOf(contents, name)).sort(),
    );
    expect(readFileSync(path.join(repository, 'refs/main'), 'utf8')).toBe(hub.commit);
    expect(readdirSync(path.join(cacheFolder, '.locks/models--somebody--small-model'))).toEqual([]);

    const before = hub.sent;
    expect(await downloadPretrained(id, options({ cacheFolder, revision: 'refs/pr/1' }))).toBe(folder);
    expect(hub.sent).toBe(before); // nothing twice
    expect(readFileSync(path.join(repository, 'refs/refs/pr/1'), 'utf8')).toBe(hub.commit);
  });

  it('is a model, with shards by their index, and offline afterwards', async () => {
    hub = await startHub(sharded);
    const cacheFolder = temporaryFolder();
    const model = await fromPretrained(id, options({ cacheFolder }));
    expect(valuesOf(model)).toEqual(valuesOf(smallLlama()));
    expect(fetched()).not.toContain('other.safetensors');
    await hub.close();
    const again = await fromPretrained(id, options({ cacheFolder, offline: true }));
    expect(valuesOf(again)).toEqual(valuesOf(model));
    // nobody there: what is in the cache will do
    const without = await downloadPretrained(id, options({ cacheFolder, retries: 1 }));
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    expect(await downloadPretrained(id, options({ cacheFolder }))).toBe(without);
    vi.stubEnv('HF_HUB_OFFLINE', undefined);
    expect(await downloadPretrained(id, options({ cacheFolder, revision: hub.commit, offline: true }))).toBe(without);

    const shard = readdirSync(without).find((name) => name.startsWith('model-00002'))!;
    rmSync(path.join(without, shard));
    const missing = await failure(downloadPretrained(id, options({ cacheFolder, offline: true })));
    expect(missing.code).toBe('E_OFFLINE');
    expect(missing.message).toContain(shard);
    const nothing = await failure(downloadPretrained('other/model', options({ cacheFolder, offline: true })));
    expect(nothing.message).toMatch(/other\/model \(main\) is not complete in the cache .*missing everything/);
    disposeModel(model);
  });

  it('finds the cache where the environment says', async () => {
    hub = await startHub(contents);
    const home = temporaryFolder();
    vi.stubEnv('HF_HOME', home);
    const folder = await downloadPretrained(id, { endpoint: hub.endpoint, progress: false });
    expect(folder.startsWith(path.join(home, 'hub', 'models--somebody--small-model'))).toBe(true);
    vi.stubEnv('HF_HUB_CACHE', path.join(home, 'elsewhere'));
    vi.stubEnv('HF_ENDPOINT', hub.endpoint);
    expect(await downloadPretrained(id, { progress: false })).toContain(path.join(home, 'elsewhere'));
    vi.stubEnv('HF_HUB_CACHE', undefined);
    vi.stubEnv('HF_ENDPOINT', undefined);
  });

  it('shows bytes as they come', async () => {
    hub = await startHub(contents);
    const lines: string[] = [];
    const stream = { write: (text: string) => lines.push(text) };
    await downloadPretrained(id, options({ progress: { environment: 'plain', stream } }));
    expect(lines.at(-1)).toMatch(/^somebody\/small-model {2}100 % {2}\d+ KiB\/\d+ KiB {2}.*B\/s/);
  });
});

const weights = 'model.safetensors';

describe('a connection that fails', () => {
  const large = (): string => etagOf(contents, weights); // where the weights lie
  const rangesOf = (ending: string): (string | undefined)[] =>
    hub!.seen.filter(({ path: at }) => at.endsWith(ending)).map(({ range }) => range);

  it('goes on where it broke off', async () => {
    hub = await startHub(contents);
    hub.fault(large(), { kind: 'drop', after: 1000 }, { kind: 'drop', after: 5000 });
    const folder = await downloadPretrained(id, options({ retries: 1 }));
    expect(readFileSync(path.join(folder, weights)).equals(contents.files[weights])).toBe(true);
    expect(rangesOf(large())).toEqual([undefined, 'bytes=1000-', 'bytes=6000-']);
  });

  it('goes on in the next call, and from the beginning where the server knows no ranges', async () => {
    for (const fault of [undefined, { kind: 'no ranges' }, { kind: 'wrong range' }] as const) {
      hub = await startHub(contents);
      const cacheFolder = temporaryFolder();
      hub.fault(large(), { kind: 'drop', after: 2000 });
      expect((await failure(downloadPretrained(id, options({ cacheFolder, retries: 0 })))).code).toBe(
        'E_HUB_CONNECTION',
      );
      expect(existsSync(path.join(cacheFolder, 'models--somebody--small-model/refs/main'))).toBe(false);
      if (fault) hub.fault(large(), fault);
      const folder = await downloadPretrained(id, options({ cacheFolder, retries: 1 }));
      expect(readFileSync(path.join(folder, weights)).equals(contents.files[weights])).toBe(true);
      expect(rangesOf(large())[1]).toBe('bytes=2000-');
      await hub.close();
    }
  });

  it('waits as the server asks, and gives up after a while', async () => {
    hub = await startHub(contents);
    hub.fault('/revision/main', { kind: 'status', status: 429, headers: { 'retry-after': '1' } });
    hub.fault(large(), { kind: 'status', status: 503 }, { kind: 'status', status: 500 });
    const start = Date.now();
    await downloadPretrained(id, options());
    expect(Date.now() - start).toBeGreaterThanOrEqual(950);
    hub.fault('/config.json', ...Array.from({ length: 3 }, () => ({ kind: 'status', status: 502 }) as const));
    const found = await failure(downloadPretrained(id, options({ retries: 2 })));
    expect(found.code).toBe('E_HUB_CONNECTION');
    expect(found.message).toMatch(/config\.json: the server answers 502/);
  });

  it('that never answers, or stops in the middle, counts as dropped', async () => {
    hub = await startHub(contents);
    hub.fault('/revision/main', { kind: 'silence' });
    hub.fault(large(), { kind: 'silence', after: 3000 });
    const folder = await downloadPretrained(id, options({ timeoutSeconds: 0.3 }));
    expect(readFileSync(path.join(folder, weights)).equals(contents.files[weights])).toBe(true);
    hub.fault('/revision/main', { kind: 'silence' }, { kind: 'silence' });
    const found = await failure(downloadPretrained(id, options({ timeoutSeconds: 0.2, retries: 1 })));
    expect(found.message).toMatch(/nothing came for 0.2 s/);
    await hub.close();
    const nobody = await failure(downloadPretrained(id, options({ retries: 0 })));
    expect(nobody.code).toBe('E_HUB_CONNECTION');
    expect(nobody.message).toMatch(/could not be fetched from http:\/\/127\.0\.0\.1:\d+: \w+/);
  });

  it('with other bytes is not believed', async () => {
    hub = await startHub(contents);
    hub.fault(large(), { kind: 'wrong bytes' });
    hub.fault('/config.json', { kind: 'overlong' });
    const folder = await downloadPretrained(id, options());
    expect(readFileSync(path.join(folder, weights)).equals(contents.files[weights])).toBe(true);
    for (const name of [large(), '/config.json']) {
      hub.fault(name, { kind: 'wrong bytes' }, { kind: 'wrong bytes' });
      const cacheFolder = temporaryFolder();
      expect((await failure(downloadPretrained(id, options({ cacheFolder })))).code).toBe('E_HUB_CHECKSUM');
      const blobs = readdirSync(path.join(cacheFolder, 'models--somebody--small-model/blobs'));
      expect(blobs.some((blob) => blob.includes('incomplete'))).toBe(false);
    }
    // a rest that does not fit what an earlier call left
    const cacheFolder = temporaryFolder();
    const left = path.join(cacheFolder, 'models--somebody--small-model/blobs', `${large()}.tesserae.incomplete`);
    mkdirSync(path.dirname(left), { recursive: true });
    writeFileSync(left, 'something else');
    const other = await downloadPretrained(id, options({ cacheFolder }));
    expect(readFileSync(path.join(other, weights)).equals(contents.files[weights])).toBe(true);
  });

  it('can be stopped, and goes on later', async () => {
    hub = await startHub(contents);
    const cacheFolder = temporaryFolder();
    hub.fault(large(), { kind: 'silence', after: 4000 });
    const stop = new AbortController();
    const running = failure(downloadPretrained(id, options({ cacheFolder, signal: stop.signal, timeoutSeconds: 30 })));
    while (!hub.seen.some(({ path: at }) => at.endsWith(large()))) await new Promise((done) => setTimeout(done, 10));
    await new Promise((done) => setTimeout(done, 100));
    stop.abort();
    expect((await running).code).toBe('E_ABORTED');
    expect((await failure(downloadPretrained(id, options({ signal: stop.signal })))).code).toBe('E_ABORTED');
    await downloadPretrained(id, options({ cacheFolder }));
    expect(rangesOf(large())).toEqual([undefined, 'bytes=4000-']);
  });

  it('several at once fetch each file once', async () => {
    hub = await startHub(contents);
    const cacheFolder = temporaryFolder();
    const folders = await Promise.all(
      Array.from({ length: 4 }, () => downloadPretrained(id, options({ cacheFolder }))),
    );
    expect(new Set(folders).size).toBe(1);
    expect(fetched().sort()).toEqual([...new Set(fetched())].sort());
    // the lock of a process that was killed holds nobody up
    const other = temporaryFolder();
    const lock = path.join(other, '.locks/models--somebody--small-model', `${large()}.tesserae.lock`);
    mkdirSync(path.dirname(lock), { recursive: true });
    const { hostname } = await import('node:os');
    writeFileSync(lock, `999999999 ${hostname()}`);
    await downloadPretrained(id, options({ cacheFolder: other }));
  });
});

describe('what a hub refuses, and what is refused of a hub', () => {
  it('has a code', async () => {
    hub = await startHub({ ...contents, token: 'hf_right' });
    const code = async (more: DownloadOptions, name = id): Promise<string> =>
      (await failure(downloadPretrained(name, options(more)))).code;
    expect(await code({})).toBe('E_HUB_NOT_FOUND');
    expect(await code({ token: 'hf_wrong' })).toBe('E_HUB_NOT_FOUND');
    expect(await code({ token: 'hf_right' }, 'somebody/absent')).toBe('E_HUB_NOT_FOUND');
    expect(await code({ token: 'hf_right', revision: 'absent' })).toBe('E_HUB_REVISION');
    for (const [status, expected] of [
      [401, 'E_HUB_UNAUTHORIZED'],
      [403, 'E_HUB_UNAUTHORIZED'],
      [418, 'E_HUB_HTTP'],
    ] as const) {
      hub.fault('/revision/main', { kind: 'status', status });
      expect(await code({})).toBe(expected);
    }
    await hub.close();
    hub = await startHub({ ...contents, gated: true });
    const gated = await failure(downloadPretrained(id, options()));
    expect(gated.code).toBe('E_HUB_GATED');
    expect(gated.message).toContain(`ask for access at ${hub.endpoint}/${id}`);
  });

  it('a token goes to the hub and to nobody else', async () => {
    hub = await startHub({ ...contents, token: 'hf_right' });
    await downloadPretrained(id, options({ token: 'hf_right' }));
    const tokens = (host: string): Set<string | undefined> =>
      new Set(hub!.seen.filter((one) => one.host === host).map(({ token }) => token));
    expect(tokens('127.0.0.1')).toEqual(new Set(['hf_right']));
    expect(tokens('localhost')).toEqual(new Set([undefined]));
    vi.stubEnv('HF_TOKEN', 'hf_right');
    await downloadPretrained(id, options());
    expect((await failure(downloadPretrained(id, options({ token: false })))).code).toBe('E_HUB_NOT_FOUND');
    vi.stubEnv('HF_TOKEN', undefined);
    const home = temporaryFolder();
    vi.stubEnv('HF_HOME', home);
    writeFileSync(path.join(home, 'token'), 'hf_right\n');
    await downloadPretrained(id, options());
    const bad = await failure(downloadPretrained(id, options({ token: 'hf_secret\r\nx: y' })));
    expect(bad.code).toBe('E_OPTION');
    expect(bad.message).not.toContain('secret');
  });

  it('without weights that can be read', async () => {
    const { [weights]: _, ...files } = contents.files;
    hub = await startHub({ ...contents, files });
    const found = await failure(downloadPretrained(id, options()));
    expect(found.code).toBe('E_HUB_FILES');
    expect(found.message).toMatch(/it holds pytorch_model\.bin/);
    await hub.close();
    const { 'config.json': __, ...rest } = contents.files;
    hub = await startHub({ ...contents, files: rest });
    expect((await failure(downloadPretrained(id, options()))).message).toMatch(/holds no config\.json/);
    await hub.close();
    const shard = Object.keys(sharded.files).find((name) => name.startsWith('model-00002'))!;
    const { [shard]: ___, ...incomplete } = sharded.files;
    hub = await startHub({ ...sharded, files: incomplete });
    expect((await failure(downloadPretrained(id, options()))).message).toContain(`its index names ${shard}`);
    await hub.close();
    const index = Buffer.from(JSON.stringify({ weight_map: { a: '../../../x.safetensors' } }));
    hub = await startHub({ ...sharded, files: { ...sharded.files, 'model.safetensors.index.json': index } });
    expect((await failure(downloadPretrained(id, options()))).code).toBe('E_PATH_ESCAPE');
  });

  it('answers that no hub gives', async () => {
    hub = await startHub(contents);
    hub.fault('/revision/main', { kind: 'redirect', to: 'file:///etc/passwd' }, { kind: 'redirect', to: 'http://' });
    expect((await failure(downloadPretrained(id, options({ retries: 1 })))).code).toBe('E_HUB_CONNECTION');
    hub.fault('/revision/main', { kind: 'status', status: 200 });
    expect((await failure(downloadPretrained(id, options()))).code).toBe('E_HUB_RESPONSE');
    hub.fault(`/tree/${hub.commit}`, { kind: 'status', status: 200 });
    expect((await failure(downloadPretrained(id, options()))).code).toBe('E_HUB_RESPONSE');
  });

  it.each<[string, unknown, object, string]>([
    ['a name with ..', 'a/..', {}, 'E_REPOSITORY_ID'],
    ['three parts', 'a/b/c', {}, 'E_REPOSITORY_ID'],
    ['no text', 7, {}, 'E_REPOSITORY_ID'],
    ['a revision that climbs', 'a/b', { revision: '../../x' }, 'E_OPTION'],
    ['an empty revision', 'a/b', { revision: '' }, 'E_OPTION'],
    ['an endpoint that is none', 'a/b', { endpoint: 'ftp://x' }, 'E_OPTION'],
    ['a timeout that is none', 'a/b', { timeoutSeconds: 0 }, 'E_OPTION'],
    ['offline that is no flag', 'a/b', { offline: 'yes' }, 'E_OPTION'],
    ['an unknown option', 'a/b', { branch: 'main' }, 'E_UNKNOWN_OPTION'],
  ])('%s', async (_, name, more, code) => {
    expect((await failure(downloadPretrained(name as string, more))).code).toBe(code);
  });

  it('a cache that may not be written', async () => {
    hub = await startHub(contents);
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect((await failure(downloadPretrained(id, options({ cacheFolder: file })))).code).toBe('E_NOT_WRITABLE');
  });
});

describe('fromPretrained', () => {
  it('takes a folder that exists, and says what is neither', async () => {
    const model = await fromPretrained(golden('gpt2'));
    expect(valuesOf(model)).toEqual(valuesOf(await loadPretrained(golden('gpt2'))));
    expect((await failure(fromPretrained('/no/such/folder'))).code).toBe('E_NOT_FOUND');
    expect((await failure(fromPretrained(''))).code).toBe('E_PATH');
    expect((await failure(fromPretrained(golden('gpt2'), { branch: 1 } as object))).code).toBe('E_UNKNOWN_OPTION');
  });

  it.each(['float16', 'bfloat16', 'float32'] as const)('rounds weights to %s, and stores them so', async (dtype) => {
    const model = await fromPretrained(golden('llama'), { dtype });
    const folder = temporaryFolder();
    await savePretrained(model, folder);
    const config = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config.dtype ?? config.torch_dtype).toBe(dtype);
    const [ours, theirs] = [folder, golden('llama')].map((one) => readFileSync(path.join(one, weights)).length);
    expect(ours / theirs).toBeCloseTo(dtype === 'float32' ? 1 : 0.5, 1);
    expect(valuesOf(await loadPretrained(folder))).toEqual(valuesOf(model));
    if (dtype === 'float32') expect(valuesOf(model)).toEqual(valuesOf(await loadPretrained(golden('llama'))));
    expect((await failure(fromPretrained(golden('llama'), { dtype: 'int8' as 'float32' }))).code).toBe(
      'E_UNKNOWN_OPTION',
    );
  });
});
