// Dropping files, and checks before an upload. The page works without this file: visitors choose
// files, and the server refuses what is too large.

const form = document.querySelector("#upload");
const input = form.querySelector("input[type=file]");

function check() {
  const limit = Number(input.dataset.maxFiles);
  const many = input.files.length > limit && `Choose ${limit} files at most.`;
  const large = [...input.files].find((file) => file.size > Number(input.dataset.maxBytes));
  input.setCustomValidity(many || (large && `${large.name} is too large.`) || "");
}

form.addEventListener("dragover", (event) => {
  event.preventDefault();
  form.classList.add("over");
});

form.addEventListener("dragleave", () => form.classList.remove("over"));

form.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("over");
  input.files = event.dataTransfer.files;
  check();
  form.requestSubmit();
});

input.addEventListener("change", check);
