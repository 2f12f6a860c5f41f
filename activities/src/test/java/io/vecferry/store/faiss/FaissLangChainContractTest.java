package io.vecferry.store.faiss;

/** The contract, with folders that LangChain loads. */
class FaissLangChainContractTest extends FaissContractTest {
  @Override
  protected String layout() {
    return "langchain";
  }
}
