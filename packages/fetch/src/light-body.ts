/** The ways to read the body of a light request or response: those of the one that the platform knows. */
abstract class BodyReaders {
  abstract readonly real: Request | Response;

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.real.arrayBuffer();
  }

  blob(): Promise<Blob> {
    return this.real.blob();
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await this.real.arrayBuffer());
  }

  clone(): Request | Response {
    return this.real.clone();
  }

  formData(): Promise<FormData> {
    return this.real.formData();
  }

  json(): Promise<unknown> {
    return this.real.json();
  }

  text(): Promise<string> {
    return this.real.text();
  }
}

/** Copied, and not inherited: what stands behind a light object in its chain of prototypes is the platform's. */
export function giveBodyReaders(prototype: { readonly real: Request | Response }): void {
  const { constructor: _, ...readers } = Object.getOwnPropertyDescriptors(BodyReaders.prototype);
  Object.defineProperties(prototype, readers);
}
