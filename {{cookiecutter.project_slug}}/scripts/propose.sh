# {% if cookiecutter.ci == "github" %}
# Opens a pull request with what is new in the template. GH_TOKEN is a token that may do so.
# {% else %}
# Opens a merge request with what is new in the template. TEMPLATE_TOKEN is a token that may do so.
# {% endif %}
set -eu

news=$(mktemp)
make --no-print-directory update >"$news"
cat "$news"
if git diff --cached --quiet; then exit 0; fi
# {% if cookiecutter.ci == "github" %}
git config user.name "github-actions[bot]"
git config user.email "41898282+github-actions[bot]@users.noreply.github.com"
# {% else %}
git config user.name template-update
git config user.email "template-update@noreply.$CI_SERVER_HOST"
# {% endif %}
# What is new also describes the request.
{ echo "Update the template" && echo && cat "$news"; } | git commit --quiet --file -
# {% if cookiecutter.ci == "github" %}
gh auth setup-git
git push --force origin HEAD:template-update
if ! gh pr view template-update --json state --jq .state | grep --quiet OPEN; then
    gh pr create --head template-update --title "Update the template" --body-file "$news"
fi
# {% else %}
git push --force --push-option merge_request.create \
    "https://token:$TEMPLATE_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git" HEAD:template-update
# {% endif %}
