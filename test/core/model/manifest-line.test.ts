import { describe, expect, it } from 'vitest';
import { algorithms, algorithmWords } from '../../../core/model/algorithm.ts';
import { formatManifestLine, parseManifestLine } from '../../../core/model/manifest-line.ts';
import { randomNumbers } from '../../helpers/random.ts';

const seed = Number(process.env.LINE_SEED ?? Date.now() % 1e9);

describe(`a line of a manifest (LINE_SEED=${seed})`, () => {
  it.each(algorithmWords)('of %s comes back as it was, whatever the name', (algorithm) => {
    const random = randomNumbers(seed);
    const characters = ['a', '\\', 'n', 'r', '\n', '\r', ' ', '*', '(', ')', '=', 'ü', '\udcff'];
    const digest = 'a'.repeat(algorithms[algorithm].digits);
    for (let i = 0; i < 5000; i++) {
      const path = Array.from({ length: 1 + random(6) }, () => characters[random(characters.length)]).join(
        '',
      );
      const line = formatManifestLine(algorithm, digest, path);
      expect(line).not.toContain('\n');
      expect(parseManifestLine(line), JSON.stringify(path)).toEqual({ path, digest, algorithm: undefined });
    }
  });

  it('may say its algorithm', () => {
    const digest = '0'.repeat(32);
    expect(parseManifestLine(`MD5 (a) = b) = ${digest}`)).toEqual({
      path: 'a) = b',
      digest,
      algorithm: 'md5',
    });
    expect(parseManifestLine(`\\XXH128 (a\\nb) = ${digest}`)).toMatchObject({ path: 'a\nb' });
    expect(parseManifestLine(`SHA256 (a) = ${digest}`)).toBe('a digest of 32 digits is none known');
  });

  it('may begin with ./ and have its digits in capitals', () => {
    const line = `${'AB'.repeat(20)} *./a//./b`;
    expect(parseManifestLine(line)).toMatchObject({ path: 'a/b', digest: 'ab'.repeat(20) });
  });
});
